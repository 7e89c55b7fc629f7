/* A client as a student writes it, right or with one mistake: cc -DMISTAKE=0 student_client.c */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    NONE, NO_HTONS, NO_END, NULS, OLD_REPLY, OWN_WORDS, ONE_READ, ALL_AT_ONCE, LINE_END, LOST_IS_FINE, UNCHECKED_WORDS,
    EMPTY_WAITS, QUIT_FAILS, STDIO
};
#define HAS(mistake) (MISTAKE == (mistake))

static void lost(const char *why) {
    fprintf(stderr, "the server is lost: %s\n", why);
    exit(HAS(LOST_IS_FINE) ? 0 : 1);
}

static void send_all(int server, const char *bytes, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t now = write(server, bytes + done, length - done);
        if (now == -1)
            lost(strerror(errno));
        done += now;
    }
}

/* Shows the reply to `length` bytes. */
static void show(int server, size_t length) {
    static char reply[1024];
    for (size_t done = 0; done < length || (HAS(EMPTY_WAITS) && length == 0);) {
        ssize_t now = read(server, reply, sizeof reply);
        if (now <= 0 && HAS(STDIO))
            return;
        if (now <= 0 && !HAS(OWN_WORDS))
            lost(now ? strerror(errno) : "closed");
        if (HAS(OWN_WORDS) && now <= 0)
            break;
        fwrite(reply, 1, HAS(OLD_REPLY) ? strnlen(reply, sizeof reply) : (size_t)now, stdout);
        done += now;
        if (HAS(ONE_READ))
            break;
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char *end = "";
    long port = argc == 3 ? strtol(argv[2], &end, 10) : 0;
    int good = argc == 3 && inet_aton(argv[1], &address.sin_addr);
    if (argc != 3 || (!HAS(UNCHECKED_WORDS) && (!good || *end || port < 1 || port > 65535))) {
        fprintf(stderr, "usage: %s ip port\n", argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, isatty(1) ? _IOLBF : _IOFBF, BUFSIZ);
    address.sin_port = HAS(NO_HTONS) ? port : htons(port);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(server, (struct sockaddr *)&address, sizeof address))
        lost(strerror(errno));
    char *line = NULL;
    size_t room = 0;
    for (;;) {
        ssize_t length = getline(&line, &room, stdin);
        if (length == -1 && HAS(NO_END))
            continue;
        if (length == -1)
            return 0;
        if (line[length - 1] == '\n')
            length--;
        line[length] = 0;
        if (!strcasecmp(line, "quit")) {
            if (HAS(LINE_END))
                strcpy(line + length++, "\n");
            send_all(server, line, length);
            return HAS(QUIT_FAILS) ? 1 : 0;
        }
        if (HAS(ALL_AT_ONCE)) {
            send_all(server, line, length);
            show(server, length);
        } else if (length == 0)
            show(server, 0);
        else
            for (ssize_t done = 0, now; done < length; done += now) {
                now = length - done < 1000 ? length - done : 1000;
                send_all(server, line + done, now);
                show(server, now);
            }
        for (ssize_t i = length; HAS(NULS) && i < 512; i++)
            putchar(0);
        puts("");
    }
}
