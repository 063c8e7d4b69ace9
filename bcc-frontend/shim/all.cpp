// One translation unit: clang's headers cost ten seconds each time that they are read.
#include "cursor.cpp"
#include "debug_types.cpp"
#include "decl.cpp"
#include "input.cpp"
#include "shim.cpp"
#include "type.cpp"
#include "unit.cpp"
#include "visit.cpp"
