# Prints the C++ code block of this number.
/^```cpp$/ { ++number; inside = 1; next }
/^```$/ { inside = 0 }
inside && number == wanted
