// Prints the names of its functions as their author writes them, and where they are.
#include <cstdio>
#include <unistd.h>
#include <vector>

namespace demo {
template <typename T> struct Box {
	T held;
	__attribute__((noinline)) T add(T value) { return held += value; }
	__attribute__((noinline)) bool operator<(const Box &other) const { return held < other.held; }
	static __attribute__((noinline)) T sum(const std::vector<T> &all)
	{
		T total = 0;
		for (T one : all)
			total += one;
		return total;
	}
};
__attribute__((noinline)) int overloaded(int value) { return value + getppid(); }
__attribute__((noinline)) int overloaded(const char *text, unsigned long long value) { return text[0] + value + getppid(); }
}

namespace {
__attribute__((noinline)) int hidden(char *text) { return text[0] + getppid(); }
}

template <typename F> static void *address(F f)
{
	union { F f; void *p; } both = {f};
	return both.p;
}

int main()
{
	demo::Box<int> box = {getppid()};
	char text[] = "text";
	int sum = box.add(1) + (box < box) + demo::Box<long>::sum({1, 2}) + demo::overloaded(3);
	sum += demo::overloaded("text", 4) + hidden(text);
	printf("demo::Box<int>::add(int) %p\n", address(&demo::Box<int>::add));
	printf("demo::Box<int>::operator<(demo::Box<int> const&) const %p\n", address(&demo::Box<int>::operator<));
	printf("demo::overloaded(int) %p\n", address<int (*)(int)>(demo::overloaded));
	printf("demo::overloaded(char const*, unsigned long long) %p\n",
	       address<int (*)(const char *, unsigned long long)>(demo::overloaded));
	printf("(anonymous namespace)::hidden(char*) %p\n", address(hidden));
	printf("main %p\n", address(main));
	fflush(stdout);
	char c;
	while (read(0, &c, 1) == 1)
		sum += c;
	return sum & 1;
}
