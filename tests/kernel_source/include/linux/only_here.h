struct only_here {
	char bytes[4711];
};
