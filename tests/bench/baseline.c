/* The baseline: version one in C, which logs nothing and checks nothing. */
#include <arpa/inet.h>
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static void to_upper(int service)
{
    char inbuffer[1024];
    ssize_t s;
    while ((s = read(service, inbuffer, sizeof inbuffer - 1)) > 0) {
        inbuffer[s] = '\0';
        if (strcasecmp(inbuffer, "quit") == 0)
            break;
        for (ssize_t i = 0; i < s; i++)
            inbuffer[i] = toupper((unsigned char)inbuffer[i]);
        if (write(service, inbuffer, s) == -1)
            break;
    }
}

int main(int argc, char *argv[])
{
    if (argc != 3)
        return 4;
    struct sockaddr_in local;
    memset(&local, 0, sizeof local);
    local.sin_family = AF_INET;
    local.sin_port = htons(atoi(argv[1]));
    inet_aton(argv[2], &local.sin_addr);

    int on = 1;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listening, (struct sockaddr *)&local, sizeof local) == -1 || listen(listening, 5) == -1)
        return 1;
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        struct sockaddr_in peer;
        socklen_t len = sizeof peer;
        int service = accept(listening, (struct sockaddr *)&peer, &len);
        if (service == -1)
            continue;
        if (fork() == 0) {
            close(listening);
            to_upper(service);
            close(service);
            exit(0);
        }
        close(service);
    }
}
