/* A server of one process that waits in epoll_wait, and exits if that fails: cc student_epoll.c */
#include <arpa/inet.h>
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

static void serve(int client) {
    char text[1024];
    ssize_t length = read(client, text, sizeof text), done = 0;
    int over = length <= 0 || (length == 4 && !strncasecmp(text, "quit", 4));
    for (ssize_t i = 0; i < length; i++)
        text[i] = toupper((unsigned char)text[i]);
    while (!over && done < length) {
        ssize_t now = write(client, text + done, length - done);
        over = now == -1;
        done += now;
    }
    if (over)
        close(client);
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char *end = "";
    long port = argc == 3 ? strtol(argv[1], &end, 10) : 0;
    if (argc != 3 || !isdigit((unsigned char)argv[1][0]) || *end || port < 1 || port > 65535 ||
        inet_pton(AF_INET, argv[2], &address.sin_addr) != 1) {
        fprintf(stderr, "usage: %s port ip\n", argv[0]);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    address.sin_port = htons(port);
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, set = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 5)) {
        perror("bind");
        return 1;
    }
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = listener}, event;
    epoll_ctl(set, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        if (epoll_wait(set, &event, 1, -1) == -1) {
            perror("epoll_wait");
            return 1;
        }
        if (event.data.fd != listener) {
            serve(event.data.fd);
            continue;
        }
        int client = accept(listener, NULL, NULL);
        if (client == -1) {
            usleep(20000);
            continue;
        }
        wanted.data.fd = client;
        epoll_ctl(set, EPOLL_CTL_ADD, client, &wanted);
    }
}
