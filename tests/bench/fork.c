/* Only fork and exit, as often as that many milliseconds allow: prints how often per second. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int argc, char *argv[])
{
    double started = seconds(), slice = argc > 1 ? atoi(argv[1]) / 1e3 : 0, passed;
    long forks = 0;
    do {
        pid_t child = fork();
        if (child == -1)
            return 6;
        if (child == 0)
            _exit(0);
        if (waitpid(child, NULL, 0) != child)
            return 7;
        forks++;
        passed = seconds() - started;
    } while (passed < slice);
    printf("%.0f\n", forks / passed);
    return 0;
}
