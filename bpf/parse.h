/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* From a frame to the facts about a TCP segment of our ports. The tests come in the order of their cost, and a packet
 * that is not mail leaves at the first one that shows it. Each helper checks its bounds, moves the cursor on and
 * returns the next protocol. */
#ifndef SMTPSCOPE_PARSE_H
#define SMTPSCOPE_PARSE_H

/* clang-format off */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
/* clang-format on */

#include "extensions.h"
#include "maps.h"

#define MAX_VLAN_TAGS 2

/* Keeps the compiler from removing bounds checks that the verifier has to see. */
#define UNKNOWN(x) asm volatile("" : "+r"(x))

/* A pointer from a context, which declares it as 32 bits; the compiler must not handle it as a 32-bit value. */
static __always_inline void* pointer(__u32 field) {
    void* p = (void*)(long)field;

    UNKNOWN(p);
    return p;
}

/* The readable part of a frame, and how much of it has been read. */
struct cursor {
    void* context; /* struct xdp_md or __sk_buff */
    int is_skb;    /* which of them; a constant */
    int cut;       /* the readable part ended before it was known whether this is mail */
    void* data;
    void* position;
    void* end;
};

/* A TCP packet of our ports. What can be read from the packet again is not kept: saving it on the stack costs as
 * much. */
struct packet {
    void* ip;
    void* tcp;
    __u32 length;    /* of the IP packet */
    __u32 headers;   /* of them the IP and TCP headers */
    __be16 fragment; /* offset and "more", as in an IPv4 header */
    __u8 version;
    __u8 tcp_flags;
};

#define FRAGMENT_OFFSET bpf_htons(0x1fff) /* not the first, so without ports: it may be ours */
#define FRAGMENT_MORE bpf_htons(0x2000)

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

/* Below, a result of 0 means: not ours, let it pass. */

struct vlan_tag {
    __be16 tci;
    __be16 protocol;
};

static __always_inline int is_vlan(int protocol) {
    return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

static __always_inline int cut(struct cursor* c) {
    c->cut = 1;
    return 0;
}

/* The protocol that an Ethernet frame carries. Tags that the hardware took out of the frame do not matter: the frame
 * then has the inner protocol. */
static __always_inline int parse_ethernet(struct cursor* c) {
    struct ethhdr* eth = c->position;
    int protocol;

    if ((void*)(eth + 1) > c->end) return cut(c);
    protocol = *(__be16*)((void*)eth + 12); /* in one load: the struct is packed */
    c->position = eth + 1;
    if (__builtin_expect(is_vlan(protocol), 0)) {
#pragma unroll
        for (int i = 0; i < MAX_VLAN_TAGS; ++i) {
            struct vlan_tag* tag = c->position;

            if (!is_vlan(protocol)) break;
            if ((void*)(tag + 1) > c->end) return cut(c);
            protocol = tag->protocol;
            c->position = tag + 1;
        }
    }
    return protocol;
}

static __always_inline int parse_ipv4(struct cursor* c, struct packet* p) {
    struct iphdr* ip = c->position;

    if ((void*)(ip + 1) > c->end) return cut(c);
    if (ip->protocol != IPPROTO_TCP) return 0;
    p->ip = ip;
    p->fragment = ip->frag_off & (FRAGMENT_OFFSET | FRAGMENT_MORE);
    c->position = (void*)ip + (*(__u8*)ip & 0xfu) * 4;
    return 1;
}

static __always_inline int parse_ipv6(struct cursor* c, struct packet* p) {
    struct ipv6hdr* ip = c->position;
    const __u8* next;
    __s64 way;

    if ((void*)(ip + 1) > c->end) return cut(c);
    p->ip = ip;
    p->fragment = 0;
    c->position = ip + 1;
    if (__builtin_expect(ip->nexthdr == IPPROTO_TCP, 1)) return 1;
    if (!is_extension(ip->nexthdr)) return 0;
    /* Most have only one, and no TCP behind it; the function below would take twice as long to find that out. */
    if ((void*)(ip + 1) + sizeof(*next) > c->end) return cut(c);
    next = (void*)(ip + 1);
    if (*next != IPPROTO_TCP && !is_extension(*next)) return 0;
    if (c->is_skb)
        way = skb_skip_extensions(c->context, c->position - c->data, ip->nexthdr);
    else
        way = xdp_skip_extensions(c->context, c->position - c->data, ip->nexthdr);
    if (way == OUT_OF_DATA) return cut(c);
    if (way < 0) return 0;
    if (way & ANY_FRAGMENT) p->fragment = FRAGMENT_MORE;
    if (way & LATER_FRAGMENT) p->fragment = FRAGMENT_OFFSET;
    c->position = c->data + (way & MAX_OFFSET);
    return 1;
}

static __always_inline int is_mail_port(__be16 port) {
    return (mail_ports[port / 64] >> (port % 64)) & 1;
}

static __always_inline int has_mail_port(struct cursor* c, struct packet* p) {
    __u8* ports = c->position;
    __u64 hint = mail_ports_hint;

    p->tcp = ports;
    if (__builtin_expect(p->fragment & FRAGMENT_OFFSET, 0)) return 1;
    if ((void*)(ports + 4) > c->end) return cut(c);
    if (!(((hint >> (ports[1] & 63)) | (hint >> (ports[3] & 63))) & 1)) return 0;
    return is_mail_port(*(__be16*)(ports + 2)) || is_mail_port(*(__be16*)ports);
}

/* Reads the IP header of a packet that is ours. 0: a host would not accept the header. */
static __always_inline int read_ipv4(struct packet* p) {
    struct iphdr* ip = p->ip;

    p->version = 4;
    p->length = bpf_ntohs(ip->tot_len);
    return (*(__u8*)ip & 0xf) >= 5;
}

static __always_inline int read_ipv6(struct packet* p) {
    p->version = 6;
    p->length = bpf_ntohs(((struct ipv6hdr*)p->ip)->payload_len);
    if (p->length) p->length += sizeof(struct ipv6hdr);
    return 1;
}

/* Whether a packet is ours or may be; `protocol` as in an Ethernet header. */
static __always_inline int find_mail(struct cursor* c, struct packet* p, int protocol) {
    if (protocol == bpf_htons(ETH_P_IP)) return parse_ipv4(c, p) && has_mail_port(c, p) && read_ipv4(p);
    if (protocol == bpf_htons(ETH_P_IPV6)) return parse_ipv6(c, p) && has_mail_port(c, p) && read_ipv6(p);
    return 0;
}

/* The rest of the headers of a packet that is ours. 0: they contradict each other or the frame, and the host will
 * refuse the packet. `present`: the bytes of the frame from the IP header on. */
static __always_inline int read_headers(struct cursor* c, struct packet* p, __u32 present) {
    struct tcphdr* tcp = p->tcp;

    /* 0 means longer than 65,535 bytes: a GSO packet (BIG TCP). */
    if (p->length == 0) p->length = present;
    if ((void*)(tcp + 1) > c->end || tcp->doff < 5) return 0;
    p->headers = (__u32)(p->tcp - p->ip) + tcp->doff * 4u;
    p->tcp_flags = ((__u8*)tcp)[13];
    return p->headers <= p->length && p->length <= present;
}

#endif
