/* The contents of compressed embedded files, block by block.
 *
 * Reading whole blocks decodes into the guest's memory. A part of a block is copied from one of a few decoded ones that
 * are kept, because programs read in steps of 4 KiB, and several files in turn.
 */
#include "embed.h"

enum { WAOT_EMBED_KEPT = 4 };

struct waot_embed_blocks {
    uint64_t turn;
    struct {
        uint64_t offset; /* of the block in the image, which tells it from all others; 0: none */
        uint64_t used;   /* the turn in which it was last */
    } kept[WAOT_EMBED_KEPT];
    uint8_t bytes[WAOT_EMBED_KEPT][WAOT_EMBED_BLOCK];
};
static WAOT_THREAD_LOCAL struct waot_embed_blocks waot_embed_blocks;

/* Decodes one block of `size` bytes. The image is our own, but a file on a disk: nothing it says leads outside. */
static bool waot_embed_decode(uint64_t start, uint64_t end, uint8_t *to, size_t size)
{
    const struct waot_embed_image *image = (const struct waot_embed_image *)(const void *)waot_process.embedded;
    if (start == 0 || start > end || end > image->size)
        return false;
    if (end - start != size)
        return waot_inflate(waot_embed_bytes(start), (size_t)(end - start), to, size);
    __builtin_memcpy(to, waot_embed_bytes(start), size);
    return true;
}

/* The block, decoded: the one used longest ago makes room. Null if it is damaged. */
static const uint8_t *waot_embed_keep(uint64_t start, uint64_t end, size_t size)
{
    struct waot_embed_blocks *blocks = &waot_embed_blocks;
    size_t oldest = 0;
    blocks->turn++;
    for (size_t i = 0; i < WAOT_EMBED_KEPT; i++) {
        if (blocks->kept[i].offset == start && start != 0) {
            blocks->kept[i].used = blocks->turn;
            return blocks->bytes[i];
        }
        if (blocks->kept[i].used < blocks->kept[oldest].used)
            oldest = i;
    }
    blocks->kept[oldest].offset = 0;
    if (!waot_embed_decode(start, end, blocks->bytes[oldest], size))
        return NULL;
    blocks->kept[oldest].offset = start;
    blocks->kept[oldest].used = blocks->turn;
    return blocks->bytes[oldest];
}

int64_t waot_embed_expand(const struct waot_embed_node *node, uint64_t offset, uint8_t *to, size_t size)
{
    const uint64_t *table = (const uint64_t *)(const void *)waot_embed_bytes(node->data);
    while (size > 0) {
        uint64_t index = offset / WAOT_EMBED_BLOCK, first = index * WAOT_EMBED_BLOCK;
        size_t block = node->size - first < WAOT_EMBED_BLOCK ? (size_t)(node->size - first) : WAOT_EMBED_BLOCK;
        size_t skip = (size_t)(offset - first);
        size_t part = block - skip < size ? block - skip : size;
        if (part == block) {
            if (!waot_embed_decode(table[index], table[index + 1], to, block))
                return -WAOT_WASI_IO;
        } else {
            const uint8_t *decoded = waot_embed_keep(table[index], table[index + 1], block);
            if (decoded == NULL)
                return -WAOT_WASI_IO;
            __builtin_memcpy(to, decoded + skip, part);
        }
        to += part;
        offset += part;
        size -= part;
    }
    return 0;
}
