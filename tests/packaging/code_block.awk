# Prints the code block of this number among those of one language (default cpp).
BEGIN { if (language == "") language = "cpp" }
$0 == "```" language { ++number; inside = 1; next }
/^```$/ { inside = 0 }
inside && number == wanted
END {
    if (number >= wanted) exit
    print FILENAME ": has no block " wanted >"/dev/stderr"
    exit 1
}
