/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* IPv6 extension headers up to TCP. Global functions, which the verifier checks on their own: the caller sees only the
 * number that they return. Inlined, the states of the loop times those of the rest make more than a million
 * instructions. */
#ifndef SMTPSCOPE_EXTENSIONS_H
#define SMTPSCOPE_EXTENSIONS_H

/* clang-format off */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#define MAX_EXTENSION_HEADERS 8

#define NOTHING (-1)     /* not a protocol that carries mail */
#define OUT_OF_DATA (-2) /* the readable part ends inside the headers */

/* The result: the offset of the TCP header in the frame, or of a later fragment's content, with flags; or one of the
 * two above. */
#define MAX_OFFSET 0x7fff
#define ANY_FRAGMENT 0x10000
#define LATER_FRAGMENT 0x20000 /* no TCP header in it */

struct extension {
    __u8 next;
    __u8 length;            /* in units that depend on the header */
    __be16 fragment_offset; /* and flags, of a fragment header */
};

static __always_inline int is_extension(__u32 next) {
    return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS || next == IPPROTO_AH ||
           next == IPPROTO_FRAGMENT;
}

static __always_inline int skip_extensions(void* data, void* end, __u32 offset, __u32 next) {
    __u32 fragment = 0;

#pragma unroll
    for (int i = 0; i < MAX_EXTENSION_HEADERS; ++i) {
        struct extension* e;
        __u32 size;

        if (!is_extension(next)) break;
        offset &= MAX_OFFSET;
        e = data + offset;
        if ((void*)(e + 1) > end) return OUT_OF_DATA;
        size = (e->length + 1u) * 8;
        if (next == IPPROTO_AH) size = (e->length + 2u) * 4;
        if (next == IPPROTO_FRAGMENT) {
            size = 8;
            /* An offset of 0 without "more" is a whole packet (RFC 6946). */
            if (e->fragment_offset & bpf_htons(0xfff9)) fragment = ANY_FRAGMENT;
            if (e->fragment_offset & bpf_htons(0xfff8)) {
                if ((e->next != IPPROTO_TCP && !is_extension(e->next)) || offset + size > MAX_OFFSET) return NOTHING;
                return ANY_FRAGMENT | LATER_FRAGMENT | (offset + size);
            }
        }
        next = e->next;
        offset += size;
    }
    if (next != IPPROTO_TCP || offset > MAX_OFFSET) return NOTHING;
    return fragment | offset;
}

__noinline int xdp_skip_extensions(struct xdp_md* ctx, __u32 offset, __u32 next) {
    return skip_extensions((void*)(long)ctx->data, (void*)(long)ctx->data_end, offset, next);
}

__noinline int skb_skip_extensions(struct __sk_buff* skb, __u32 offset, __u32 next) {
    return skip_extensions((void*)(long)skb->data, (void*)(long)skb->data_end, offset, next);
}

#endif
