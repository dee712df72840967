// That this links says that no header defines anything twice.
int main() {
    return 0;
}
