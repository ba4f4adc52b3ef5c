/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Somebody else's XDP program, for the tests. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int somebody_else(struct xdp_md* ctx) {
    (void)ctx;
    return XDP_PASS;
}
