/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Bytes of a packet into the ring. Up to SMTPSCOPE_LARGE bytes go into a reservation of a size class, in one copy;
 * more goes in pieces (pieces.h). */
#ifndef SMTPSCOPE_COPY_H
#define SMTPSCOPE_COPY_H

#include "pieces.h"
#include "record.h"

/* A packet that goes to the end of the linear part, as most do: blocks, then what is left of the last one. */
static __always_inline long copy_to_end(struct smtpscope_record* r, const __u32 class, const struct frame* f,
                                        const struct packet* p) {
    __u64 done = copy_blocks(r + 1, class, p->ip, f->end);
    __u64 rest = f->captured - done;

    if (!rest) return 0;
    UNKNOWN(rest);
    UNKNOWN(done);
    if (rest > BLOCK - 1 || done > class - BLOCK) return -1;
    return bpf_probe_read_kernel((void*)(r + 1) + done, rest, f->data + p->l3 + done);
}

/* From wherever the packet is. */
static __always_inline long copy_scattered(struct smtpscope_record* r, const __u32 class, const struct frame* f,
                                           const struct packet* p) {
    return read_packet(r + 1, bounded(f->captured, class), f, p->l3);
}

static __always_inline enum smtpscope_cause copy_whole(const __u32 class, const struct frame* f, const struct packet* p,
                                                       struct smtpscope_counters* c) {
    __u32 shard = f->shard;
    void* ring = bpf_map_lookup_elem(&rings, &shard);
    struct smtpscope_record* r;
    long error;

    if (!ring) return SMTPSCOPE_LOST_RING_FULL;
    r = bpf_ringbuf_reserve(ring, sizeof(*r) + class, 0);
    if (!r) return SMTPSCOPE_LOST_RING_FULL;
    describe(r, f, p);
    if (class < SMTPSCOPE_LARGE) describe_sender(r, f, p);
    if (p->l3 + f->captured == f->linear)
        error = copy_to_end(r, class, f, p);
    else
        error = copy_scattered(r, class, f, p);
    if (error) {
        bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
        return SMTPSCOPE_LOST_UNREADABLE;
    }
    bpf_ringbuf_submit(r, wake_flags(ring, shard, c));
    return SMTPSCOPE_DELIVERED;
}

static __always_inline enum smtpscope_cause copy_packet(const struct frame* f, const struct packet* p,
                                                        struct smtpscope_counters* c) {
    __u32 ends;

    if (f->captured <= SMTPSCOPE_SMALL) return copy_whole(SMTPSCOPE_SMALL, f, p, c);
    if (f->captured <= SMTPSCOPE_MEDIUM) return copy_whole(SMTPSCOPE_MEDIUM, f, p, c);
    if (f->captured <= SMTPSCOPE_LARGE) return copy_whole(SMTPSCOPE_LARGE, f, p, c);
    ends = p->l3 | p->headers << 16;
    switch (f->hook) {
        case XDP:
            return xdp_copy_pieces(f->context, ends, p->length, f->captured, f->shard);
        case XDP_FRAGS:
            return xdpf_copy_pieces(f->context, ends, p->length, f->captured, f->shard);
        case TC_INGRESS:
            return skb_copy_pieces_in(f->context, ends, p->length, f->captured, f->shard);
        default:
            return skb_copy_pieces_out(f->context, ends, p->length, f->captured, f->shard);
    }
}

#endif
