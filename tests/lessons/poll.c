/* After the article: all clients in one process, with poll. cc -o target/poll tests/lessons/poll.c */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 1000

/* What is left to send to each client. While something is left, nothing is read from it. */
static struct {
    char bytes[1024];
    size_t length, sent;
} rest[MOST];
static struct pollfd polled[MOST]; /* the listening socket is the first */

static void die(const char *call)
{
    perror(call);
    exit(1);
}

/* 0: the connection ends. */
static int send_rest(int i)
{
    ssize_t written = write(polled[i].fd, rest[i].bytes + rest[i].sent, rest[i].length - rest[i].sent);
    if (written == -1)
        return errno == EAGAIN;
    rest[i].sent += written;
    polled[i].events = rest[i].sent < rest[i].length ? POLLOUT : POLLIN;
    return 1;
}

static int receive(int i)
{
    ssize_t length = read(polled[i].fd, rest[i].bytes, sizeof rest[i].bytes);
    if (length <= 0)
        return length == -1 && errno == EAGAIN;
    if (length == 4 && strncasecmp(rest[i].bytes, "quit", 4) == 0)
        return 0;
    for (ssize_t at = 0; at < length; at++)
        rest[i].bytes[at] = toupper((unsigned char)rest[i].bytes[at]);
    rest[i].length = length;
    rest[i].sent = 0;
    polled[i].events = POLLOUT;
    return send_rest(i);
}

int main(int argc, char **argv)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    long port = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
    if (port < 1 || port > 65535 || argv[1][strspn(argv[1], "0123456789")] != '\0' ||
        inet_pton(AF_INET, argv[2], &own.sin_addr) != 1)
        return fprintf(stderr, "usage: %s port ip\n", argv[0]), 4;
    own.sin_port = htons(port);
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, count = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&own, sizeof own) == -1 || listen(listener, 5) == -1)
        die("bind");
    polled[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    while (poll(polled, count, -1) != -1) {
        for (int i = count - 1; i > 0; i--) {
            if (polled[i].revents == 0 || (polled[i].events == POLLOUT ? send_rest(i) : receive(i)))
                continue;
            close(polled[i].fd);
            count--; /* the last one takes its place */
            polled[i] = polled[count];
            rest[i] = rest[count];
        }
        if (polled[0].revents == 0 || count == MOST)
            continue;
        int client = accept(listener, NULL, NULL);
        if (client == -1) {
            usleep(20000); /* the listening socket stays readable */
            continue;
        }
        fcntl(client, F_SETFL, O_NONBLOCK);
        polled[count++] = (struct pollfd){.fd = client, .events = POLLIN};
    }
    die("poll");
}
