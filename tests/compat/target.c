/* The traced process: each line on stdin says what to do. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sdt.h>

static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

static void *in_order(void *first) {
    long one = (long)first;
    pthread_mutex_lock(&locks[one]);
    pthread_mutex_lock(&locks[!one]);
    pthread_mutex_unlock(&locks[!one]);
    pthread_mutex_unlock(&locks[one]);
    return NULL;
}

static void *started(void *argument) {
    /* What a C library built with probes says of each thread. */
    DTRACE_PROBE3(libpthread, pthread_start, (void *)pthread_self(), (void *)started, argument);
    return NULL;
}

static void run(void *(*routine)(void *), long argument) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, routine, (void *)argument) == 0)
        pthread_join(thread, NULL);
}

int main(void) {
    char line[16];
    /* On the stack, hence in memory: programs cannot wait for a page. */
    char query[] = "SELECT 'compat'", database[] = "db", user[] = "user", host[] = "host";
    while (fgets(line, sizeof(line), stdin)) {
        switch (line[0]) {
        case 'q':
            DTRACE_PROBE5(mysql, query__start, (char *)query, 1L, (char *)database, (char *)user,
                          (char *)host);
            DTRACE_PROBE1(mysql, query__done, 0);
            break;
        case 'm':
            for (int i = 0; i < 100; i++) {
                /* Kept: a leak is what it is here for. */
                char *volatile leaked = malloc(64);
                (void)leaked;
            }
            break;
        case 'l':
            run(in_order, 0);
            run(in_order, 1);
            break;
        case 't':
            run(started, 0);
            break;
        }
    }
    return 0;
}
