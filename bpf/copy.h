/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Bytes of a packet into the ring. Up to SMTPSCOPE_LARGE bytes go into a reservation of a size class, in one copy;
 * more goes in pieces (pieces.h). */
#ifndef SMTPSCOPE_COPY_H
#define SMTPSCOPE_COPY_H

#include "pieces.h"
#include "record.h"

/* Small packets are copied in smaller blocks, so that each one with a TCP header has at least one block. */
static __always_inline __u32 block_of(const __u32 class) {
    return class == SMTPSCOPE_SMALL ? 32 : 64;
}

/* A packet of a block or more that can be read directly: block after block, and last, over the one before, the block
 * that ends where the packet ends. Copying the rest with a call would cost more than copying some bytes twice. */
static __always_inline long copy_linear(struct smtpscope_record* r, const __u32 class, const struct frame* f,
                                        const struct packet* p, void* end) {
    const __u32 block = block_of(class);
    __u64 last = f->captured - block;

    if (copy_blocks(r + 1, class, p->ip, end, block) >= f->captured) return 0;
    UNKNOWN(last);
    if (last > class - block || p->ip + last + block > end) return -1;
    copy_block((void*)(r + 1) + last, p->ip + last, block);
    return 0;
}

/* From wherever the packet is. */
static __always_inline long copy_scattered(struct smtpscope_record* r, const __u32 class, const struct frame* f,
                                           const struct packet* p) {
    return read_packet(r + 1, bounded(f->captured, class), f, l3_of(f, p));
}

static __always_inline enum smtpscope_cause copy_whole(const __u32 class, const struct frame* f,
                                                       const struct packet* p) {
    __u32 shard = shard_of(f);
    void* ring = bpf_map_lookup_elem(&rings, &shard);
    struct smtpscope_record* r;
    void* end = end_of(f);
    long error;

    if (!ring) return SMTPSCOPE_LOST_RING_FULL;
    r = bpf_ringbuf_reserve(ring, sizeof(*r) + class, 0);
    if (!r) return SMTPSCOPE_LOST_RING_FULL;
    describe(r, f, p);
    if (class < SMTPSCOPE_LARGE) describe_sender(r, f, p);
    if (f->captured >= block_of(class) && p->ip + f->captured <= end)
        error = copy_linear(r, class, f, p, end);
    else
        error = copy_scattered(r, class, f, p);
    if (error) {
        bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
        return SMTPSCOPE_LOST_UNREADABLE;
    }
    bpf_ringbuf_submit(r, wake_flags(ring, f, shard));
    return SMTPSCOPE_DELIVERED;
}

static __always_inline enum smtpscope_cause copy_packet(const struct frame* f, const struct packet* p) {
    __u32 ends;

    if (f->captured <= SMTPSCOPE_SMALL) return copy_whole(SMTPSCOPE_SMALL, f, p);
    if (f->captured <= SMTPSCOPE_MEDIUM) return copy_whole(SMTPSCOPE_MEDIUM, f, p);
    if (f->captured <= SMTPSCOPE_LARGE) return copy_whole(SMTPSCOPE_LARGE, f, p);
    ends = l3_of(f, p) | p->headers << 16;
    switch (f->hook) {
        case XDP:
            return xdp_copy_pieces(f->context, ends, p->length, f->captured, shard_of(f));
        case XDP_FRAGS:
            return xdpf_copy_pieces(f->context, ends, p->length, f->captured, shard_of(f));
        case TC_INGRESS:
            return skb_copy_pieces_in(f->context, ends, p->length, f->captured, shard_of(f));
        default:
            return skb_copy_pieces_out(f->context, ends, p->length, f->captured, shard_of(f));
    }
}

#endif
