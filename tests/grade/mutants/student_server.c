/* A server as a student writes it, right or with one mistake: cc -pthread -DKIND=2 -DMISTAKE=0 student_server.c */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ONE = 1, FORK, DOUBLE };
enum {
    NONE, NO_HTONS, ANY_ADDRESS, REUSE_AFTER_BIND, PARENT_KEEPS_CLIENT, CHILD_KEEPS_LISTENER, NO_REAPING, STRLEN,
    WRITE_UNCHECKED, WRITE_AGAIN, EXIT_ON_ERROR, SIGPIPE_KILLS, THREADS, WAITS_FOR_GRANDCHILD, ONE_ACCEPT,
    EXIT_ON_FORK, ACCEPT_AT_ONCE, UNCHECKED_WORDS, BUFFERED_LOG, RAW_LOG, PORT_AS_OPTIONS, NO_LETTERS, SMALL_QUIT,
    EXIT_ON_WAIT, NO_ORPHAN, QUIT_ENDS_ALL, SILENT_IN_USE, SIGNED_BYTES, LOST_WHEN_FULL, HTONL, BIND_UNCHECKED,
    CHILD_LOOPS, ONE_WAIT, SPIN_REAP, BLOCKING_REAP, EINTR_FATAL, ERRNO_LOST, IGNORED_THEN_WAITED, PEERLEN_LARGE,
    PEERLEN_NEGATIVE, PORT_ASSERT, ACCEPT_FATAL, ABORTED_FATAL, ACCEPT_UNCHECKED, PREFIX_QUIT, INNER_FORK
};
#define HAS(mistake) (MISTAKE == (mistake))

static void fail(const char *call) {
    if (!HAS(SILENT_IN_USE) || strcmp(call, "bind"))
        fprintf(stderr, "%s: %s\n", call, strerror(errno));
    exit(1);
}

static void say(const char *words, const char *bytes, int length) {
    char line[8192];
    int end = sprintf(line, "%s ", words);
    for (int i = 0; i < length; i++)
        if (HAS(RAW_LOG) || (bytes[i] >= ' ' && bytes[i] < 127))
            line[end++] = bytes[i];
        else
            end += sprintf(line + end, "\\x%02x", (unsigned char)bytes[i]);
    line[end++] = '\n';
    fwrite(line, 1, end, stdout);
}

/* SIGCHLD is not ignored: which children does a handler reap? */
static void reap(int number) {
    (void)number;
    if (HAS(ONE_WAIT))
        wait(NULL);
    else if (HAS(SPIN_REAP))
        while (waitpid(-1, NULL, WNOHANG) != -1)
            ;
    else if (HAS(BLOCKING_REAP))
        while (wait(NULL) > 0)
            ;
    else
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
}

static int send_all(int client, const char *bytes, ssize_t length) {
    if (HAS(WRITE_UNCHECKED)) {
        (void)!write(client, bytes, length);
        return 0;
    }
    for (ssize_t done = 0, now; done < length; done = HAS(WRITE_AGAIN) && done + now < length ? 0 : done + now) {
        now = send(client, bytes + done, length - done, HAS(LOST_WHEN_FULL) ? MSG_DONTWAIT : 0);
        if (HAS(LOST_WHEN_FULL) && now == -1 && errno == EAGAIN)
            return 0;
        if (now == -1) {
            if (HAS(EXIT_ON_ERROR))
                fail("write");
            return -1;
        }
    }
    return 0;
}

static void serve(int client) {
    char buffer[1024];
    ssize_t came;
    while ((came = read(client, buffer, sizeof buffer - 1)) > 0) {
        buffer[came] = 0;
        if (HAS(PREFIX_QUIT) && !strncasecmp(buffer, "quit", 4))
            break;
        if (came == 4 && !(HAS(SMALL_QUIT) ? strcmp : strcasecmp)(buffer, "quit")) {
            if (HAS(QUIT_ENDS_ALL))
                exit(0);
            break;
        }
        if (HAS(STRLEN))
            came = strlen(buffer);
        say("said:", buffer, came);
        for (int i = 0; i < came; i++)
            if (buffer[i] >= 'a' && buffer[i] <= 'z' && !HAS(NO_LETTERS))
                buffer[i] -= 'a' - 'A';
            else if (HAS(SIGNED_BYTES) && buffer[i] < 0)
                buffer[i] = '?';
        if (send_all(client, buffer, came) == -1)
            break;
    }
    if (came == -1 && HAS(EXIT_ON_ERROR))
        fail("read");
    close(client);
}

static void *serve_in_thread(void *client) {
    serve((int)(long)client);
    return NULL;
}

static void in_process(int listener, int client, int port) {
    pid_t child = fork();
    if (child == -1 && HAS(EXIT_ON_FORK))
        fail("fork");
    if (child == 0) {
        if (!HAS(CHILD_KEEPS_LISTENER))
            close(listener);
        if (KIND == DOUBLE && !HAS(NO_ORPHAN)) {
            pid_t grandchild = fork();
            if (grandchild != 0 && !(grandchild == -1 && HAS(INNER_FORK))) {
                if (HAS(WAITS_FOR_GRANDCHILD))
                    waitpid(grandchild, NULL, 0);
                _exit(0);
            }
        }
        serve(client);
        if (HAS(CHILD_LOOPS))
            return;
        exit(0);
    }
    if (!HAS(PARENT_KEEPS_CLIENT) || child == -1)
        close(client);
    if (child > 0 && KIND == DOUBLE && !HAS(NO_ORPHAN)) {
        int waited = waitpid(child, NULL, HAS(PORT_AS_OPTIONS) ? port : 0);
        if (waited == -1 && (HAS(EXIT_ON_WAIT) || HAS(PORT_AS_OPTIONS) || HAS(IGNORED_THEN_WAITED)))
            fail("waitpid");
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char *end = "";
    long port = argc == 3 ? strtol(argv[1], &end, 10) : 0;
    int good = argc == 3 && inet_aton(argv[2], &address.sin_addr);
    if (argc != 3 || (!HAS(UNCHECKED_WORDS) && (!good || *end || port < 1 || port > 65535))) {
        fprintf(stderr, "usage: %s port ip\n", argv[0]);
        return 1;
    }
    if (!HAS(BUFFERED_LOG))
        setvbuf(stdout, NULL, _IOLBF, 0);
    if (!HAS(SIGPIPE_KILLS))
        signal(SIGPIPE, SIG_IGN);
    int handles = HAS(ONE_WAIT) || HAS(SPIN_REAP) || HAS(BLOCKING_REAP) || HAS(EINTR_FATAL) || HAS(ERRNO_LOST);
    struct sigaction action = {.sa_handler = reap, .sa_flags = HAS(EINTR_FATAL) ? 0 : SA_RESTART};
    if (handles)
        sigaction(SIGCHLD, &action, NULL);
    else if ((KIND == FORK || HAS(NO_ORPHAN) || HAS(IGNORED_THEN_WAITED)) && !HAS(NO_REAPING))
        signal(SIGCHLD, SIG_IGN);
    address.sin_port = HAS(NO_HTONS) ? port : HAS(HTONL) ? htonl(port) : htons(port);
    if (HAS(ANY_ADDRESS))
        address.sin_addr.s_addr = INADDR_ANY;
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (!HAS(REUSE_AFTER_BIND))
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) && !HAS(BIND_UNCHECKED))
        fail("bind");
    if (HAS(REUSE_AFTER_BIND))
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (listen(listener, 5))
        fail("listen");
    say("listening", "", 0);
    for (;;) {
        struct sockaddr_in peer = {0};
        socklen_t length = HAS(PEERLEN_LARGE) ? 0x55551234 : HAS(PEERLEN_NEGATIVE) ? (socklen_t)-2 : sizeof peer;
        int client = accept(listener, (struct sockaddr *)&peer, &length);
        if (client == -1 && !HAS(ACCEPT_UNCHECKED)) {
            if (HAS(ACCEPT_FATAL) || (HAS(EINTR_FATAL) && errno == EINTR) ||
                (HAS(ABORTED_FATAL) && (errno == ECONNABORTED || errno == EPROTO)))
                fail("accept");
            int known = errno == EMFILE;
            if (!HAS(ACCEPT_AT_ONCE))
                usleep(20000);
            if (HAS(ERRNO_LOST) && known && errno != EMFILE)
                fail("accept");
            continue;
        }
        if (HAS(PORT_ASSERT))
            assert(ntohs(peer.sin_port) >= 1024);
        say("a client", "", 0);
        if (KIND == ONE)
            serve(client);
        else if (HAS(THREADS)) {
            pthread_t thread;
            if (pthread_create(&thread, NULL, serve_in_thread, (void *)(long)client))
                close(client);
            else
                pthread_detach(thread);
        } else
            in_process(listener, client, port);
        if (HAS(ONE_ACCEPT))
            return 0;
    }
}
