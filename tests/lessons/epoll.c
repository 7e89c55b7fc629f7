/* After the article: all clients in one process, with epoll. cc -o target/epoll tests/lessons/epoll.c */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A client, and what is left to send to it. While something is left, nothing is read from it. */
struct client {
    int fd;
    size_t length, sent;
    char bytes[1024];
};

static void die(const char *call)
{
    perror(call);
    exit(1);
}

/* 0: the connection ends. */
static int send_rest(struct client *client)
{
    ssize_t written = write(client->fd, client->bytes + client->sent, client->length - client->sent);
    if (written == -1)
        return errno == EAGAIN;
    client->sent += written;
    return 1;
}

static int receive(struct client *client)
{
    ssize_t length = read(client->fd, client->bytes, sizeof client->bytes);
    if (length <= 0)
        return length == -1 && errno == EAGAIN;
    if (length == 4 && strncasecmp(client->bytes, "quit", 4) == 0)
        return 0;
    for (ssize_t at = 0; at < length; at++)
        client->bytes[at] = toupper((unsigned char)client->bytes[at]);
    client->length = length;
    client->sent = 0;
    return send_rest(client);
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
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, epoll = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&own, sizeof own) == -1 || listen(listener, 5) == -1)
        die("bind");
    struct epoll_event event = {.events = EPOLLIN}; /* no client: the listening socket */
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        if (epoll_wait(epoll, &event, 1, -1) != 1)
            continue; /* EINTR: this call is never restarted, signal(7) */
        struct client *client = event.data.ptr;
        if (client == NULL) {
            int fd = accept(listener, NULL, NULL);
            if (fd == -1 || (client = calloc(1, sizeof *client)) == NULL) {
                usleep(20000); /* the listening socket stays readable */
                continue;
            }
            client->fd = fd;
            fcntl(fd, F_SETFL, O_NONBLOCK);
            event = (struct epoll_event){.events = EPOLLIN, .data.ptr = client};
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        } else if (client->sent < client->length ? send_rest(client) : receive(client)) {
            event.events = client->sent < client->length ? EPOLLOUT : EPOLLIN;
            epoll_ctl(epoll, EPOLL_CTL_MOD, client->fd, &event);
        } else {
            close(client->fd); /* which also takes it out of the epoll */
            free(client);
        }
    }
}
