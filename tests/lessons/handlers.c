/* Lesson 27: a forking server with a SIGCHLD handler. STEP 1 has four mistakes; each later step fixes one. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_child(int signal)
{
    (void)signal;
#if STEP >= 4
    int saved = errno;
#endif
#if STEP >= 3
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
#else
    wait(NULL);
#endif
#if STEP >= 4
    errno = saved;
#endif
}

int main(int argc, char **argv)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 8080)};
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sigaction action = {.sa_handler = on_child};
#if STEP >= 2
    action.sa_flags = SA_RESTART;
#endif
    sigaction(SIGCHLD, &action, NULL);
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&own, sizeof own) == -1 || listen(listener, 5) == -1)
        return perror("bind"), 2;
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client == -1) {
            if (errno != EINTR)
                raise(SIGCHLD); /* as if a child exited exactly here */
            perror("accept");
            return 1;
        }
        if (fork() == 0) {
#if STEP >= 5
            close(listener);
#endif
            char buffer[100];
            while (read(client, buffer, sizeof buffer) > 0)
                ;
            _exit(0);
        }
        close(client);
    }
}
