// SPDX-License-Identifier: BSD-3-Clause
// A null pointer that only a search of the paths sees.
static int* find(int* numbers, int count, int wanted) {
    for (int i = 0; i < count; ++i)
        if (numbers[i] == wanted) return numbers + i;
    return nullptr;
}

int first_of(int* numbers, int count) {
    int* const found = find(numbers, count, 7);
    if (found == nullptr && count > 3) count = 3;
    return *found + count;
}
