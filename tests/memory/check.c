/*
 * Compares the functions of src/memory.c with loops over single bytes. Prints what is wrong and ends with 1, or ends with 0.
 *
 * Both areas lie between pages that nobody may touch, so a read or write outside of an area ends the process.
 */

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, SIZES = 280 };

static uint8_t *guarded(void)
{
    uint8_t *pages = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE))
        exit(2);
    return pages + PAGE;
}

/* The bytes of a page: each place has another value than its neighbours up to 250 away. */
static void fill(uint8_t *area, unsigned seed)
{
    for (unsigned i = 0; i < PAGE; i++)
        area[i] = (uint8_t)((i + seed) % 251);
}

static void check(int good, const char *what, size_t size, size_t to, size_t from)
{
    if (good)
        return;
    printf("%s: %zu bytes from %zu to %zu\n", what, size, from, to);
    exit(1);
}

/* One copy within an area, checked to the last byte of the page. */
static void move(uint8_t *area, size_t to, size_t from, size_t size)
{
    static uint8_t expected[PAGE];
    fill(area, 0);
    for (size_t i = 0; i < PAGE; i++)
        expected[i] = i >= to && i - to < size ? area[from + (i - to)] : area[i];
    check(memmove(area + to, area + from, size) == area + to, "memmove's result", size, to, from);
    for (size_t i = 0; i < PAGE; i++)
        check(area[i] == expected[i], "memmove", size, to, from);
}

static void moves(uint8_t *area)
{
    for (size_t size = 0; size < SIZES; size++) {
        for (size_t by = 0; by < size + 20; by += by < 70 ? 1 : 7) {
            move(area, 1000 + size % 16, 1000 + size % 16 + by, size);
            move(area, 1000 + size % 16 + by, 1000 + size % 16, size);
        }
        move(area, 0, PAGE - size, size);
        move(area, PAGE - size, 0, size);
    }
    for (size_t size = SIZES; size < PAGE; size += 61) {
        move(area, 0, PAGE - size, size);
        move(area, PAGE - size, 0, size);
    }
}

/* One copy from an area to another. */
static void copy(uint8_t *into, const uint8_t *out_of, size_t to, size_t from, size_t size)
{
    fill(into, 100);
    check(memcpy(into + to, out_of + from, size) == into + to, "memcpy's result", size, to, from);
    for (size_t i = 0; i < PAGE; i++) {
        uint8_t expected = i >= to && i - to < size ? out_of[from + (i - to)] : (uint8_t)((i + 100) % 251);
        check(into[i] == expected, "memcpy", size, to, from);
    }
}

static void copies(uint8_t *into, uint8_t *out_of)
{
    fill(out_of, 0);
    for (size_t size = 0; size < SIZES; size++) {
        for (size_t shift = 0; shift < 16; shift++)
            copy(into, out_of, 512 + shift, 700 + (shift * 5 + size) % 16, size);
        copy(into, out_of, PAGE - size, PAGE - size, size);
        copy(into, out_of, 0, 0, size);
    }
    copy(into, out_of, 0, 0, PAGE);
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void compare(const uint8_t *one, const uint8_t *other, size_t size, int expected)
{
    check(sign(memcmp(one, other, size)) == expected, "memcmp", size, 0, 0);
    check(sign(memcmp(other, one, size)) == -expected, "memcmp, the other way", size, 0, 0);
    check((bcmp(one, other, size) != 0) == (expected != 0), "bcmp", size, 0, 0);
}

/* Equal, then with one byte that differs, then with all bytes after it differing the other way. */
static void comparison(uint8_t *one, uint8_t *other, size_t size)
{
    static const uint8_t pairs[][2] = {{0, 1}, {0, 255}, {127, 128}, {254, 255}};
    for (size_t i = 0; i < size; i++)
        one[i] = other[i] = (uint8_t)(i * 37);
    compare(one, other, size, 0);
    for (size_t place = 0; place < size; place++) {
        for (size_t pair = 0; pair < 4; pair++) {
            one[place] = pairs[pair][0];
            other[place] = pairs[pair][1];
            compare(one, other, size, -1);
            if (place + 1 < size) {
                one[place + 1] = 255;
                other[place + 1] = 0;
                compare(one, other, size, -1);
                one[place + 1] = other[place + 1] = (uint8_t)((place + 1) * 37);
            }
        }
        one[place] = other[place] = (uint8_t)(place * 37);
    }
}

int main(void)
{
    uint8_t *first = guarded(), *second = guarded();
    moves(first);
    copies(first, second);
    for (size_t size = 0; size < 100; size++) {
        comparison(first, second + PAGE - size, size);
        comparison(first + PAGE - size, second + 3, size);
        comparison(first + 1, second, size);
    }
    return 0;
}
