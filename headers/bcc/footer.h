/* Included behind the user's text, which may have defined BPF_LICENSE, as words without quotes. */

#ifndef BPF_LICENSE
#define BPF_LICENSE GPL
#endif
#define BCC_LICENSE_TEXT(...) BCC_LICENSE_TEXT_(__VA_ARGS__)
#define BCC_LICENSE_TEXT_(...) #__VA_ARGS__

#ifndef BCC_HAS_LICENSE
char _license[] __attribute__((section("license"), used)) = BCC_LICENSE_TEXT(BPF_LICENSE);
#endif

#ifdef LINUX_VERSION_CODE_OVERRIDE
unsigned int _version __attribute__((section("version"), used)) = LINUX_VERSION_CODE_OVERRIDE;
#elif defined(LINUX_VERSION_CODE)
unsigned int _version __attribute__((section("version"), used)) = LINUX_VERSION_CODE;
#endif
