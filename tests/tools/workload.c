/* A process that does what a line on its stdin says, and then answers with a line of its own.

   Each action is a function of a telling name that calls nothing but what it is about. */

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KEEP __attribute__((noinline, noclone, used))

static volatile unsigned long sink;

/* A static probe: the note that USDT tools look for, written out, as <sys/sdt.h> would. */
#define PROBE(provider, name, number, text)                                                        \
    __asm__ volatile("990: nop\n"                                                                  \
                     ".pushsection .note.stapsdt,\"\",\"note\"\n"                                  \
                     ".balign 4\n"                                                                 \
                     ".4byte 992f-991f, 994f-993f, 3\n"                                            \
                     "991: .asciz \"stapsdt\"\n"                                                   \
                     "992: .balign 4\n"                                                            \
                     "993: .8byte 990b\n"                                                          \
                     ".8byte _.stapsdt.base\n"                                                     \
                     ".8byte 0\n"                                                                  \
                     ".asciz \"" #provider "\"\n"                                                  \
                     ".asciz \"" #name "\"\n"                                                      \
                     ".asciz \"-4@%0 8@%1\"\n"                                                     \
                     "994: .balign 4\n"                                                            \
                     ".popsection\n"                                                               \
                     ".ifndef _.stapsdt.base\n"                                                    \
                     ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"       \
                     ".weak _.stapsdt.base\n"                                                      \
                     ".hidden _.stapsdt.base\n"                                                    \
                     "_.stapsdt.base: .space 1\n"                                                  \
                     ".size _.stapsdt.base, 1\n"                                                   \
                     ".popsection\n"                                                               \
                     ".endif\n"                                                                    \
                     :                                                                             \
                     : "r"(number), "r"(text))

KEEP int telling_add(int number, const char *text, long big)
{
    sink += number + text[0] + big;
    PROBE(telling, added, number, text);
    return number * 3;
}

KEEP int telling_multiply(int number)
{
    sink *= number;
    return -number;
}

KEEP void telling_sleep(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    /* No library in between: those without frame pointers hide their caller. */
#ifdef __x86_64__
    long result = SYS_nanosleep;
    __asm__ volatile("syscall" : "+a"(result) : "D"(&time), "S"(0) : "rcx", "r11", "memory");
#else
    nanosleep(&time, 0);
#endif
    sink++;
}

KEEP void telling_spin(long ms)
{
    struct timespec now;
    long end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    end = now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
    do {
        for (int i = 0; i < 200000; i++)
            sink += i;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    } while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < end);
}

KEEP void *telling_leak(size_t size)
{
    void *volatile lost = malloc(size);
    sink++;
    return lost;
}

KEEP void telling_reuse(size_t size)
{
    void *volatile a = malloc(size);
    void *volatile b = calloc(1, size);
    a = realloc(a, size * 2);
    free(b);
    free(a);
}

KEEP void telling_parents(long count)
{
    for (long i = 0; i < count; i++)
        sink += getppid();
}

/* Each level calls the next one and then takes some time of its own. */
KEEP int telling_depth(int level)
{
    int below = level > 1 ? telling_depth(level - 1) : 0;
    sink += below;
    return below + 1;
}

static void lookup(const char *host)
{
    struct addrinfo *found = 0, hints = {.ai_flags = AI_NUMERICHOST};
    if (!getaddrinfo(host, 0, &hints, &found))
        freeaddrinfo(found);
}

KEEP static int obey(const char *what, long count, const char *rest)
{
    long value = atol(rest);
    if (!strcmp(what, "parents")) {
        telling_parents(count);
        return 1;
    }
    for (long i = 0; i < count; i++) {
        if (!strcmp(what, "add"))
            telling_add((int)(i % 2), rest, i);
        else if (!strcmp(what, "multiply"))
            telling_multiply((int)value);
        else if (!strcmp(what, "sleep"))
            telling_sleep(value);
        else if (!strcmp(what, "spin"))
            telling_spin(value);
        else if (!strcmp(what, "leak"))
            telling_leak(value);
        else if (!strcmp(what, "reuse"))
            telling_reuse(value);
        else if (!strcmp(what, "depth"))
            telling_depth((int)value);
        else if (!strcmp(what, "lookup"))
            lookup(rest);
        else
            return 0;
    }
    return 1;
}

int main(void)
{
    char line[256], what[32], rest[128];
    long count;
    while (fgets(line, sizeof(line), stdin)) {
        rest[0] = 0;
        if (sscanf(line, "%31s %ld %127[^\n]", what, &count, rest) < 2 ||
            !obey(what, count, rest))
            return 2;
        if (write(1, "done\n", 5) != 5)
            return 3;
    }
    return 0;
}
