/* The server of lesson 25, as far as a step has come: cc -DSTEP=3 -o my_server my_server.c */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *call)
{
    perror(call);
    exit(1);
}

#if STEP >= 2
static void serve(int client)
{
    char text[1024];
    ssize_t length;
    while ((length = read(client, text, sizeof text - 1)) > 0) {
        if (length == 4 && strncasecmp(text, "quit", 4) == 0)
            break;
#if STEP >= 3
        ssize_t done = 0, written;
#else
        text[length] = '\0';
        length = strlen(text);
#endif
        for (ssize_t i = 0; i < length; i++)
            text[i] = toupper((unsigned char)text[i]);
#if STEP >= 3
        for (; done < length; done += written)
            if ((written = write(client, text + done, length - done)) == -1)
                break;
        if (done < length)
            break;
#else
        write(client, text, length);
#endif
    }
    close(client);
}
#endif

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s port ip\n", argv[0]);
        return 4;
    }
    struct sockaddr_in own = {.sin_family = AF_INET};
#if STEP >= 4
    char *end;
    long port = strtol(argv[1], &end, 10);
    if (!isdigit((unsigned char)argv[1][0]) || *end || port < 1 || port > 65535 ||
        inet_pton(AF_INET, argv[2], &own.sin_addr) != 1) {
        fprintf(stderr, "bad port or ip: %s %s\n", argv[1], argv[2]);
        return 4;
    }
#else
    int port = atoi(argv[1]);
    inet_aton(argv[2], &own.sin_addr);
#endif
    own.sin_port = htons(port);
#if STEP >= 3
    signal(SIGPIPE, SIG_IGN);
#endif
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener == -1)
        die("socket");
#if STEP >= 4
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
#endif
    if (bind(listener, (struct sockaddr *)&own, sizeof own) == -1)
        die("bind");
    if (listen(listener, 5) == -1)
        die("listen");
#if STEP == 5 || STEP == 6
    signal(SIGCHLD, SIG_IGN);
#endif
    for (;;) {
#if STEP == 1
        pause();
#else
        int client = accept(listener, NULL, NULL);
        if (client == -1) {
#if STEP >= 6
            usleep(20000);
#endif
            continue;
        }
#if STEP <= 4
        serve(client);
#else
        pid_t child = fork();
        if (child == 0) {
            close(listener);
#if STEP >= 7
            if (fork() != 0)
                _exit(0);
#endif
            serve(client);
            _exit(0);
        }
#if STEP == 5
        if (child == -1)
            die("fork");
#endif
        close(client);
#if STEP >= 7
        if (child != -1)
            waitpid(child, NULL, 0);
#endif
#endif
#endif
    }
}
