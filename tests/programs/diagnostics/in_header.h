static inline int header_function(int x)
{
	return x + not_declared_here;
}
