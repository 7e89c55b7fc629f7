/* A server without any library: version one's shape in raw system calls, linked with nothing.
   All that it is lies in one page of code and one of stack; what a session costs
   here, the kernel takes. Its one argument is the port; it listens on 127.0.0.1. */
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define NOTHING 0, 0, 0, 0

#if defined __x86_64__
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call serve\n");

static long call(long number, long a, long b, long c, long d, long e)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined __aarch64__
__asm__(".globl _start\n_start: mov x0, sp\n b serve\n");

static long call(long number, long a, long b, long c, long d, long e)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}
#endif

static void to_upper(long fd)
{
    char inbuffer[1024];
    long s;
    while ((s = call(SYS_read, fd, (long)inbuffer, sizeof inbuffer - 1, 0, 0)) > 0) {
        if (s == 4 && (inbuffer[0] | ' ') == 'q' && (inbuffer[1] | ' ') == 'u' && (inbuffer[2] | ' ') == 'i'
            && (inbuffer[3] | ' ') == 't')
            break;
        for (long i = 0; i < s; i++)
            if (inbuffer[i] >= 'a' && inbuffer[i] <= 'z')
                inbuffer[i] -= 'a' - 'A';
        if (call(SYS_write, fd, (long)inbuffer, s, 0, 0) < 0)
            break;
    }
}

/* stack: argc, then argv. */
__attribute__((used, noreturn)) void serve(const long *stack)
{
    unsigned port = 0;
    for (const char *digit = (const char *)stack[2]; *digit; digit++)
        port = port * 10 + (*digit - '0');
    struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = __builtin_bswap16(port) };
    local.sin_addr.s_addr = __builtin_bswap32(INADDR_LOOPBACK);
    /* handler, flags, restorer, mask: the kernel's own structure */
    const long ignore[4] = { (long)SIG_IGN };
    const int on = 1;

    long listening = call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0);
    call(SYS_setsockopt, listening, SOL_SOCKET, SO_REUSEADDR, (long)&on, sizeof on);
    if (call(SYS_bind, listening, (long)&local, sizeof local, 0, 0) < 0
        || call(SYS_listen, listening, 5, 0, 0, 0) < 0)
        call(SYS_exit_group, 1, NOTHING);
    call(SYS_rt_sigaction, SIGCHLD, (long)ignore, 0, 8, 0);
    for (;;) {
        long service = call(SYS_accept, listening, 0, 0, 0, 0);
        if (service < 0)
            continue;
        if (call(SYS_clone, SIGCHLD, NOTHING) == 0) {
            call(SYS_close, listening, NOTHING);
            to_upper(service);
            call(SYS_close, service, NOTHING);
            call(SYS_exit_group, 0, NOTHING);
        }
        call(SYS_close, service, NOTHING);
    }
}
