/* What it declares is there already: types from the kernel, the rest in front of the text. */
