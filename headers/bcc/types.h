/* The few names that these headers and the generated types need, included first of all. Repeating a
 * kernel typedef is allowed in C.
 */
#pragma once

typedef signed char __s8;
typedef unsigned char __u8;
typedef signed short __s16;
typedef unsigned short __u16;
typedef signed int __s32;
typedef unsigned int __u32;
typedef signed long long __s64;
typedef unsigned long long __u64;
typedef __s8 s8;
typedef __u8 u8;
typedef __s16 s16;
typedef __u16 u16;
typedef __s32 s32;
typedef __u32 u32;
typedef __s64 s64;
typedef __u64 u64;

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#ifndef SEC
#define SEC(name) __attribute__((section(name), used))
#endif

/* A kernel function that a program calls by name, declared `extern` with this behind it. */
#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

/* The eighth argument: picks a macro by the number of arguments in front of it. */
#define BCC_EIGHTH(_1, _2, _3, _4, _5, _6, _7, N, ...) N

/* Smallest power of two that is not below n, as a constant expression. */
#define BCC_POW2(n) ((n) <= 1 ? 1u : 1u << (32 - __builtin_clz((unsigned)(n) - 1)))
