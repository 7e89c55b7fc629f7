/* After the article: a thread for each client. cc -pthread -o target/thread tests/lessons/thread.c */
#include <arpa/inet.h>
#include <ctype.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *call)
{
    perror(call);
    exit(1);
}

/* All bytes, or -1. */
static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written <= 0)
            return -1;
        bytes += written;
        length -= written;
    }
    return 0;
}

/* The thread closes its client, and nothing else does: all threads share one table of descriptors. */
static void *serve(void *argument)
{
    int client = (intptr_t)argument;
    char buffer[1024];
    ssize_t length;
    while ((length = read(client, buffer, sizeof buffer)) > 0) {
        if (length == 4 && strncasecmp(buffer, "quit", 4) == 0)
            break;
        for (ssize_t i = 0; i < length; i++)
            buffer[i] = toupper((unsigned char)buffer[i]);
        if (write_all(client, buffer, length) == -1)
            break;
    }
    close(client);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    long port = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
    if (port < 1 || port > 65535 || argv[1][strspn(argv[1], "0123456789")] != '\0' ||
        inet_pton(AF_INET, argv[2], &own.sin_addr) != 1) {
        fprintf(stderr, "usage: %s port ip\n", argv[0]);
        return 4;
    }
    own.sin_port = htons(port);
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (listener == -1)
        die("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&own, sizeof own) == -1)
        die("bind");
    if (listen(listener, 5) == -1)
        die("listen");
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client == -1) {
            usleep(20000);
            continue;
        }
        /* The descriptor itself is the argument: a pointer to `client` would change with the next accept. */
        pthread_t thread;
        int error = pthread_create(&thread, NULL, serve, (void *)(intptr_t)client);
        if (error != 0) {
            fprintf(stderr, "pthread_create: %s\n", strerror(error));
            close(client);
            continue;
        }
        pthread_detach(thread);
    }
}
