/* A kernel's headers as small as they can be: what every text is given, and a struct of no kernel. */
#pragma once
typedef unsigned char u8;
typedef unsigned char __u8;
typedef signed char s8;
typedef signed char __s8;
typedef unsigned short u16;
typedef unsigned short __u16;
typedef short s16;
typedef short __s16;
typedef unsigned int u32;
typedef unsigned int __u32;
typedef int s32;
typedef int __s32;
typedef unsigned long long u64;
typedef unsigned long long __u64;
typedef long long s64;
typedef long long __s64;
typedef unsigned short __be16;
typedef unsigned int __be32;
typedef unsigned long long __be64;
typedef unsigned short __sum16;
typedef unsigned int __wsum;
typedef _Bool bool;
typedef unsigned long size_t;
