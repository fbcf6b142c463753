/* Board games on 64-bit boards: alpha-beta search of Reversi, ways of queens on a board, and a knight's and king's
 * distances by flooding. */
#include "bench.h"

typedef uint64_t board;

static const board not_left = 0xfefefefefefefefeu, not_right = 0x7f7f7f7f7f7f7f7fu;

static board moved(board b, int direction) {
    switch (direction) {
    case 0: return b << 1 & not_left;
    case 1: return b >> 1 & not_right;
    case 2: return b << 8;
    case 3: return b >> 8;
    case 4: return b << 9 & not_left;
    case 5: return b >> 9 & not_right;
    case 6: return b << 7 & not_right;
    default: return b >> 7 & not_left;
    }
}

/* ------------------------------------------------------------------------------------------------------------ Reversi */

static board possible(board own, board other) {
    board result = 0;
    for (int direction = 0; direction < 8; direction++) {
        board line = moved(own, direction) & other;
        for (int i = 0; i < 5; i++)
            line |= moved(line, direction) & other;
        result |= moved(line, direction);
    }
    return result & ~(own | other);
}

static board flipped(board own, board other, board move) {
    board result = 0;
    for (int direction = 0; direction < 8; direction++) {
        board line = 0, at = moved(move, direction);
        for (; at & other; at = moved(at, direction))
            line |= at;
        if (at & own)
            result |= line;
    }
    return result;
}

static int worth(board own, board other) {
    static const board corners = 0x8100000000000081u, beside = 0x42c300000000c342u;
    return 16 * (__builtin_popcountll(own & corners) - __builtin_popcountll(other & corners)) -
           6 * (__builtin_popcountll(own & beside) - __builtin_popcountll(other & beside)) +
           2 * (__builtin_popcountll(possible(own, other)) - __builtin_popcountll(possible(other, own)));
}

static uint64_t visited;

static int search(board own, board other, int depth, int alpha, int beta) {
    visited++;
    if (depth == 0)
        return worth(own, other);
    board moves = possible(own, other);
    if (moves == 0) {
        if (possible(other, own) == 0)
            return 100 * (__builtin_popcountll(own) - __builtin_popcountll(other));
        return -search(other, own, depth - 1, -beta, -alpha);
    }
    for (; moves != 0; moves &= moves - 1) {
        board move = moves & -moves, turned = flipped(own, other, move);
        int value = -search(other & ~turned, own | turned | move, depth - 1, -beta, -alpha);
        if (value >= beta)
            return value;
        alpha = value > alpha ? value : alpha;
    }
    return alpha;
}

static uint64_t reversi(void) {
    visited = 0;
    int value = search(0x0000000810000000u, 0x0000001008000000u, 8, -100000, 100000);
    return visited * 1000 + (uint64_t)(value + 500);
}

/* ------------------------------------------------------------------------------------------------------------- queens */

static uint64_t place(uint32_t all, uint32_t columns, uint32_t left, uint32_t right) {
    if (columns == all)
        return 1;
    uint64_t ways = 0;
    for (uint32_t free_ = all & ~(columns | left | right); free_ != 0; free_ &= free_ - 1) {
        uint32_t queen = free_ & -free_;
        ways += place(all, columns | queen, (left | queen) << 1, (right | queen) >> 1);
    }
    return ways;
}

static uint64_t queens(void) { return place((1u << 11) - 1, 0, 0, 0); }

/* -------------------------------------------------------------------------------------------------------------- knights */

static board knight(board b) {
    board one = (b << 1 & not_left) | (b >> 1 & not_right);
    board two = (b << 2 & not_left & not_left << 1) | (b >> 2 & not_right & not_right >> 1);
    return one << 16 | one >> 16 | two << 8 | two >> 8;
}

/* How many moves a knight and a king need between any two squares, around what is in the way. */
static uint64_t distances(void) {
    uint64_t sum = 0;
    for (int kind = 0; kind < 128; kind++) {
        board walls = 0x0042180000244200u * (uint64_t)kind;
        for (int from = 0; from < 64; from++) {
            board reached = (board)1 << from, next = reached;
            for (int steps = 1; next != 0; steps++) {
                board spread = knight(next);
                if (kind & 1)
                    for (int direction = 0; direction < 8; direction++)
                        spread |= moved(next, direction);
                next = spread & ~reached & ~walls;
                reached |= next;
                sum += (uint64_t)(steps * __builtin_popcountll(next));
                sum ^= (uint64_t)__builtin_ctzll(next | (board)1 << 63) << 32;
            }
        }
    }
    return sum;
}

int main(int argc, char **argv) {
    static const struct kernel kernels[] = {
        {"reversi", reversi, NULL, NULL},
        {"queens", queens, NULL, NULL},
        {"distances", distances, NULL, NULL},
        {0},
    };
    return bench_main(argc, argv, kernels);
}
