/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* From a frame to the facts about a TCP segment of our ports. The tests come in the order of their cost, and whatever
 * is not mail leaves at the first one that says so. Each helper checks its bounds, moves the cursor on and returns the
 * next protocol. */
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

/* The readable part of a frame, and how much of it has been read. */
struct cursor {
    void* context; /* struct xdp_md or __sk_buff */
    int is_skb;    /* which of them; a constant */
    int cut;       /* the readable part ended before it was known whether this is mail */
    void* position;
    void* end;
    __u32 frame_length; /* with the part that cannot be read directly */
};

/* A TCP packet of our ports. */
struct packet {
    void* ip;
    void* tcp;
    __u32 l3;          /* offset of the IP header in the frame */
    __u32 length;      /* of the IP packet */
    __u32 headers;     /* of these: IP and TCP headers */
    __u16 source_port; /* network byte order */
    __u16 destination_port;
    __u8 version;
    __u8 tcp_flags;
    __u8 fragment;
    __u8 later_fragment; /* not the first, so without ports: it may be ours */
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

/* In what follows a result of 0 means: not ours, let it go. */

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

/* The protocol that an Ethernet frame carries. Tags that the hardware took out of the frame do not matter: then the
 * frame has the inner protocol. */
static __always_inline int parse_ethernet(struct cursor* c, struct packet* p) {
    struct ethhdr* eth = c->position;
    int protocol;

    if ((void*)(eth + 1) > c->end) return cut(c);
    protocol = *(__be16*)((void*)eth + 12); /* in one load: the struct is packed */
    c->position = eth + 1;
    p->l3 = sizeof(*eth);
    if (__builtin_expect(is_vlan(protocol), 0)) {
#pragma unroll
        for (int i = 0; i < MAX_VLAN_TAGS; ++i) {
            struct vlan_tag* tag = c->position;

            if (!is_vlan(protocol)) break;
            if ((void*)(tag + 1) > c->end) return cut(c);
            protocol = tag->protocol;
            c->position = tag + 1;
            p->l3 += sizeof(*tag);
        }
    }
    return protocol;
}

/* What follows is needed only of packets that are ours: `protocol` and lengths come later. */
static __always_inline int parse_ipv4(struct cursor* c, struct packet* p) {
    struct iphdr* ip = c->position;

    if ((void*)(ip + 1) > c->end) return cut(c);
    if (ip->protocol != IPPROTO_TCP) return 0;
    p->ip = ip;
    p->later_fragment = (ip->frag_off & bpf_htons(0x1fff)) != 0;
    c->position = (void*)ip + (*(__u8*)ip & 0xfu) * 4;
    return 1;
}

static __always_inline int parse_ipv6(struct cursor* c, struct packet* p) {
    struct ipv6hdr* ip = c->position;
    __s64 way;

    if ((void*)(ip + 1) > c->end) return cut(c);
    p->ip = ip;
    p->fragment = 0;
    p->later_fragment = 0;
    c->position = ip + 1;
    if (__builtin_expect(ip->nexthdr == IPPROTO_TCP, 1)) return 1;
    if (!is_extension(ip->nexthdr)) return 0;
    if (c->is_skb)
        way = skb_skip_extensions(c->context, p->l3 + sizeof(*ip), ip->nexthdr);
    else
        way = xdp_skip_extensions(c->context, p->l3 + sizeof(*ip), ip->nexthdr);
    if (way == OUT_OF_DATA) return cut(c);
    if (way < 0) return 0;
    p->fragment = (way & ANY_FRAGMENT) != 0;
    p->later_fragment = (way & LATER_FRAGMENT) != 0;
    c->position = (void*)ip - p->l3 + (way & MAX_OFFSET);
    return 1;
}

static __always_inline int is_mail_port(__be16 port) {
    return (mail_ports[port / 64] >> (port % 64)) & 1;
}

static __always_inline int has_mail_port(struct cursor* c, struct packet* p) {
    __u8* ports = c->position;

    if ((void*)(ports + 4) > c->end) return cut(c);
    if (!(((mail_ports_hint >> (ports[1] & 63)) | (mail_ports_hint >> (ports[3] & 63))) & 1)) return 0;
    p->source_port = *(__be16*)ports;
    p->destination_port = *(__be16*)(ports + 2);
    return is_mail_port(p->destination_port) || is_mail_port(p->source_port);
}

/* Of a packet that is ours, what its IP header says. 0: no header that a host would take. */
static __always_inline int read_ip(struct packet* p, int protocol) {
    if (protocol == bpf_htons(ETH_P_IP)) {
        struct iphdr* ip = p->ip;

        if ((*(__u8*)ip & 0xf) < 5) return 0;
        p->version = 4;
        p->length = bpf_ntohs(ip->tot_len);
        p->fragment = (ip->frag_off & bpf_htons(0x3fff)) != 0;
    } else {
        p->version = 6;
        p->length = bpf_ntohs(((struct ipv6hdr*)p->ip)->payload_len);
        if (p->length) p->length += sizeof(struct ipv6hdr);
    }
    return 1;
}

/* Whether a packet is ours or may be; `protocol` as in an Ethernet header. */
static __always_inline int find_mail(struct cursor* c, struct packet* p, int protocol) {
    if (protocol == bpf_htons(ETH_P_IP)) {
        if (!parse_ipv4(c, p)) return 0;
    } else if (protocol == bpf_htons(ETH_P_IPV6)) {
        if (!parse_ipv6(c, p)) return 0;
    } else {
        return 0;
    }
    p->tcp = c->position;
    if (__builtin_expect(p->later_fragment, 0)) {
        p->source_port = 0;
        p->destination_port = 0;
    } else if (!has_mail_port(c, p)) {
        return 0;
    }
    return read_ip(p, protocol);
}

/* The rest of the headers of a packet that is ours. 0: they contradict each other or the frame, and the host will
 * refuse the packet. */
static __always_inline int read_headers(struct cursor* c, struct packet* p) {
    __u32 present = c->frame_length - p->l3;
    struct tcphdr* tcp = p->tcp;

    /* 0: longer than 65,535 bytes, a GSO packet (BIG TCP). */
    if (p->length == 0) p->length = present;
    if ((void*)(tcp + 1) > c->end || tcp->doff < 5) return 0;
    p->headers = (__u32)(p->tcp - p->ip) + tcp->doff * 4u;
    p->tcp_flags = ((__u8*)tcp)[13];
    return p->headers <= p->length && p->length <= present;
}

#endif
