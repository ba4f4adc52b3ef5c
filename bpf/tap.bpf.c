/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The kernel programs. Each looks at a packet and lets it pass, whatever it found: XDP_PASS, TC_ACT_UNSPEC (which is
 * TCX_NEXT). They depend only on the UAPI, so one object works on every kernel from 5.10 on, with or without BTF. */

/* clang-format off */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "flow.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int xdp(struct xdp_md* ctx, enum hook hook) {
    void* data = pointer(ctx->data);
    struct cursor c = {.context = ctx, .data = data, .position = data, .end = pointer(ctx->data_end)};
    struct frame f = {.context = ctx, .hook = hook};
    struct packet p;

    if (!find_mail(&c, &p, parse_ethernet(&c))) return XDP_PASS;
    watch(&f, &c, &p, hook == XDP_FRAGS ? bpf_xdp_get_buff_len(ctx) - (p.ip - data) : c.end - p.ip);
    return XDP_PASS;
}

SEC("xdp")
int smtpscope_xdp(struct xdp_md* ctx) {
    return xdp(ctx, XDP);
}

/* For an MTU that needs more than one page a packet; 5.18 and later. */
SEC("xdp.frags")
int smtpscope_xdpf(struct xdp_md* ctx) {
    return xdp(ctx, XDP_FRAGS);
}

enum link_layer { ETHERNET, NO_LINK_LAYER };

static __always_inline int find_mail_in_skb(struct cursor* c, struct packet* p, struct __sk_buff* skb,
                                            enum link_layer link) {
    c->context = skb;
    c->is_skb = 1;
    c->cut = 0;
    c->data = c->position = pointer(skb->data);
    c->end = pointer(skb->data_end);
    return find_mail(c, p, link == ETHERNET ? parse_ethernet(c) : (int)skb->protocol);
}

/* A bridge passes a packet from port to port: it was seen where it came in. */
static __always_inline int seen_at_ingress(struct __sk_buff* skb) {
    __u32 from = skb->ingress_ifindex, bridge;

    if (!from || from == skb->ifindex) return 0;
    bridge = bridges[slots[skb->ifindex & (SMTPSCOPE_INTERFACES - 1)]];
    return bridge && bridge == bridges[slots[from & (SMTPSCOPE_INTERFACES - 1)]];
}

static __always_inline int tc(struct __sk_buff* skb, enum hook hook, enum link_layer link) {
    struct frame f = {.context = skb, .hook = hook};
    struct packet p;
    struct cursor c;

    if (!find_mail_in_skb(&c, &p, skb, link)) {
        /* Drivers may leave the headers in fragments. The stack would pull them in next anyway. */
        if (__builtin_expect(!c.cut, 1)) return TC_ACT_UNSPEC;
        if (bpf_skb_pull_data(skb, skb->len < 256 ? skb->len : 256)) return TC_ACT_UNSPEC;
        if (!find_mail_in_skb(&c, &p, skb, link)) return TC_ACT_UNSPEC;
    }
    if (hook == TC_EGRESS && seen_at_ingress(skb)) return TC_ACT_UNSPEC;
    watch(&f, &c, &p, skb->len - (p.ip - c.data));
    return TC_ACT_UNSPEC;
}

SEC("tc")
int smtpscope_in(struct __sk_buff* skb) {
    return tc(skb, TC_INGRESS, ETHERNET);
}

SEC("tc")
int smtpscope_out(struct __sk_buff* skb) {
    return tc(skb, TC_EGRESS, ETHERNET);
}

/* For interfaces whose packets begin with the IP header: tun, WireGuard, PPP. */
SEC("tc")
int smtpscope_rin(struct __sk_buff* skb) {
    return tc(skb, TC_INGRESS, NO_LINK_LAYER);
}

SEC("tc")
int smtpscope_rout(struct __sk_buff* skb) {
    return tc(skb, TC_EGRESS, NO_LINK_LAYER);
}
