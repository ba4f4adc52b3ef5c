/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Packets larger than the largest size class go in pieces, through a per-CPU buffer: a reservation must be of constant
 * size, and the largest packets have 500 KB. Global functions, so that the verifier walks the loop once per program and
 * not once for every path that leads here. Their arguments are packed, because a function can have only five. */
#ifndef SMTPSCOPE_PIECES_H
#define SMTPSCOPE_PIECES_H

#include "record.h"

static __always_inline __u64 next_packet_id(void) {
    __u32 zero = 0;
    __u64* id = bpf_map_lookup_elem(&packet_ids, &zero);

    if (!id) return 0;
    return ((__u64)bpf_get_smp_processor_id() << 48) | (++*id & 0xffffffffffffULL);
}

static __always_inline int copy_pieces(struct frame* f, __u32 l3_and_headers, __u32 length, __u32 shard) {
    struct packet p = {.headers = l3_and_headers >> 16, .length = length};
    __u32 l3 = l3_and_headers & 0xffff;
    struct piece* buffer;
    __u32 zero = 0;
    void* ring = bpf_map_lookup_elem(&rings, &shard);

    buffer = bpf_map_lookup_elem(&pieces, &zero);
    if (!buffer) return SMTPSCOPE_LOST_UNREADABLE;
    if (!ring) return SMTPSCOPE_LOST_RING_FULL;
    if (f->captured > SMTPSCOPE_MAX_PIECES * SMTPSCOPE_PIECE) return SMTPSCOPE_LOST_TOO_LONG;
    describe(&buffer->record, f, &p);
    buffer->record.packet_id = next_packet_id();
    for (__u32 i = 0; i < SMTPSCOPE_MAX_PIECES; ++i) {
        /* Computed from i, not carried over: the verifier can then see that all iterations are alike. */
        __u32 offset = i * SMTPSCOPE_PIECE;
        __u64 size;

        if (offset >= f->captured) break;
        size = f->captured - offset;
        buffer->record.flags = size > SMTPSCOPE_PIECE ? SMTPSCOPE_MORE : 0;
        size = bounded(size, SMTPSCOPE_PIECE);
        buffer->record.captured = size;
        buffer->record.offset = offset;
        if (read_packet(buffer->bytes, size, f, l3 + offset)) return SMTPSCOPE_LOST_UNREADABLE;
        if (bpf_ringbuf_output(ring, buffer, sizeof(buffer->record) + size, wake_flags(ring, f, shard)))
            return SMTPSCOPE_LOST_RING_FULL;
    }
    return SMTPSCOPE_DELIVERED;
}

__noinline int xdp_copy_pieces(struct xdp_md* ctx, __u32 l3_and_headers, __u32 length, __u32 captured, __u32 shard) {
    struct frame f = {.context = ctx, .hook = XDP, .captured = captured};

    return copy_pieces(&f, l3_and_headers, length, shard);
}

__noinline int xdpf_copy_pieces(struct xdp_md* ctx, __u32 l3_and_headers, __u32 length, __u32 captured, __u32 shard) {
    struct frame f = {.context = ctx, .hook = XDP_FRAGS, .captured = captured};

    return copy_pieces(&f, l3_and_headers, length, shard);
}

__noinline int skb_copy_pieces_in(struct __sk_buff* skb, __u32 l3_and_headers, __u32 length, __u32 captured,
                                  __u32 shard) {
    struct frame f = {.context = skb, .hook = TC_INGRESS, .captured = captured};

    return copy_pieces(&f, l3_and_headers, length, shard);
}

__noinline int skb_copy_pieces_out(struct __sk_buff* skb, __u32 l3_and_headers, __u32 length, __u32 captured,
                                   __u32 shard) {
    struct frame f = {.context = skb, .hook = TC_EGRESS, .captured = captured};

    return copy_pieces(&f, l3_and_headers, length, shard);
}

#endif
