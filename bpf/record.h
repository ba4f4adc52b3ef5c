/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What every record has in common: its header, the reading of the frame, the wake-up of the reader. */
#ifndef SMTPSCOPE_RECORD_H
#define SMTPSCOPE_RECORD_H

#include "parse.h"

enum hook { XDP, XDP_FRAGS, TC_INGRESS, TC_EGRESS };

/* A packet at a hook: what the copy needs to know. */
struct frame {
    void* context;  /* struct xdp_md or __sk_buff, by hook */
    enum hook hook; /* a constant wherever it is tested */
    __u32 captured; /* bytes of the packet to be copied */
    __u64 hash;     /* of the flow, chooses the ring; 0 if nothing depends on it */
};

/* `size`, which is at least 1 and at most `limit`, in a form that shows this to every verifier: before 6.3 it learns
 * nothing from a comparison with 0. */
static __always_inline __u64 bounded(__u64 size, const __u32 limit) {
    UNKNOWN(size);
    size -= 1;
    if (size > limit - 1) size = limit - 1;
    UNKNOWN(size);
    return size + 1;
}

static __always_inline __u32 ifindex_of(const struct frame* f) {
    if (f->hook == XDP || f->hook == XDP_FRAGS) return ((struct xdp_md*)f->context)->ingress_ifindex;
    return ((struct __sk_buff*)f->context)->ifindex;
}

/* The part of the frame that can be read directly. It is read again where it is needed: keeping it on the stack costs
 * more. The context is made unknown, so that the compiler does not keep the address of a field either, which the
 * verifier would refuse. */
static __always_inline void* data_of(const struct frame* f) {
    void* context = f->context;

    UNKNOWN(context);
    if (f->hook == XDP || f->hook == XDP_FRAGS) return pointer(((struct xdp_md*)context)->data);
    return pointer(((struct __sk_buff*)context)->data);
}

static __always_inline void* end_of(const struct frame* f) {
    void* context = f->context;

    UNKNOWN(context);
    if (f->hook == XDP || f->hook == XDP_FRAGS) return pointer(((struct xdp_md*)context)->data_end);
    return pointer(((struct __sk_buff*)context)->data_end);
}

/* Offset of the IP header in the frame; the mask shows the verifier the bound that follows from MAX_VLAN_TAGS. */
static __always_inline __u32 l3_of(const struct frame* f, const struct packet* p) {
    return (p->ip - data_of(f)) & 31;
}

static __always_inline __u32 shard_of(const struct frame* f) {
    return smtpscope_shard(f->hash, shards);
}

/* The counters of the interface. */
static __always_inline struct smtpscope_counters* counters_of(const struct frame* f) {
    __u32 slot = slots[ifindex_of(f) & (SMTPSCOPE_INTERFACES - 1)];

    return bpf_map_lookup_elem(&counters, &slot);
}

static __always_inline __u64 wake_flags(void* ring, const struct frame* f, __u32 shard) {
    volatile struct smtpscope_reader* reader = &readers[shard & (SMTPSCOPE_MAX_SHARDS - 1)];
    struct smtpscope_counters* c;

    if (!reader->need_wake) return BPF_RB_NO_WAKEUP;
    if (wake_watermark && bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) < wake_watermark) return BPF_RB_NO_WAKEUP;
    reader->need_wake = 0;
    c = counters_of(f);
    if (c) c->wakeups++;
    return BPF_RB_FORCE_WAKEUP;
}

static __always_inline void describe(struct smtpscope_record* r, const struct frame* f, const struct packet* p) {
    r->time_ns = bpf_ktime_get_ns();
    r->packet_id = 0;
    r->cgroup_id = 0;
    r->uid = SMTPSCOPE_NO_UID;
    r->ifindex = ifindex_of(f);
    r->wire_length = p->length;
    r->captured = f->captured;
    r->offset = 0;
    r->headers = p->headers;
    r->direction = f->hook == TC_EGRESS ? SMTPSCOPE_EGRESS : SMTPSCOPE_INGRESS;
    r->flags = 0;
}

/* Who sends. Asking costs as much as a small copy, so it is done for commands and replies, not for every segment of a
 * message, nor for fragments of one. A SYN still belongs to the listener. */
static __always_inline void describe_sender(struct smtpscope_record* r, const struct frame* f, const struct packet* p) {
    if (f->hook != TC_EGRESS || p->fragment || p->length == p->headers || p->tcp_flags & TCP_SYN) return;
    r->uid = bpf_get_socket_uid(f->context);
    r->cgroup_id = bpf_skb_cgroup_id(f->context);
}

/* `size` bytes of the frame from `offset` on. Reading the linear part as kernel memory is the fastest way, and the only
 * one that XDP has before 5.18. */
static __always_inline long read_packet(void* to, __u64 size, const struct frame* f, __u32 offset) {
    void* data = data_of(f);

    /* The mask changes no bit; it separates the sum from `size`. Otherwise 6.12 would derive the bounds of `size` from
     * those that the comparison gives to the sum, and lose the upper one. */
    if (offset + (size & 0xffff) <= (__u64)(end_of(f) - data)) return bpf_probe_read_kernel(to, size, data + offset);
    if (f->hook == TC_INGRESS || f->hook == TC_EGRESS) return bpf_skb_load_bytes(f->context, offset, to, size);
    if (f->hook == XDP_FRAGS) return bpf_xdp_load_bytes(f->context, offset, to, size);
    return -1;
}

static __always_inline void copy_block(void* to, const void* from, const __u32 size) {
#pragma unroll
    for (__u32 i = 0; i < size; i += 8) *(__u64*)(to + i) = *(const __u64*)(from + i);
}

/* Copies from `from` up to `end` in whole blocks: as many as are complete there and fit into `room`. Returns the number
 * of bytes copied. */
static __always_inline __u32 copy_blocks(void* to, const __u32 room, const void* from, const void* end,
                                         const __u32 block) {
    __u32 done = 0;

#pragma unroll
    for (__u32 i = 0; i < room / block; ++i) {
        if (from + (i + 1) * block > end) break;
        copy_block(to + i * block, from + i * block, block);
        done = (i + 1) * block;
    }
    return done;
}

#endif
