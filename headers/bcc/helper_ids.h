/* Every helper function of the kernel, as a typed constant: its id is its address.
 * Ids are the kernel's ABI (include/uapi/linux/bpf.h); parameters that point to contexts, maps and
 * kernel objects are `void *`, so that a program needs no type that it does not use itself.
 */
#pragma once

struct bpf_sock;
struct bpf_tcp_sock;
struct mptcp_sock;
struct socket;
struct task_struct;
struct tcp6_sock;
struct tcp_request_sock;
struct tcp_sock;
struct tcp_timewait_sock;
struct udp6_sock;
struct unix_sock;

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static int (*const bpf_map_update_elem)(void *map, const void *key, const void *value,
	u64 flags) = (void *)2;
static int (*const bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static int (*const bpf_probe_read)(void *dst, u32 size, const void *src) = (void *)4;
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static int (*const bpf_trace_printk_)(const char *fmt, u32 fmt_size, ...) = (void *)6;
static u32 (*const bpf_get_prandom_u32)(void) = (void *)7;
static u64 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static int (*const bpf_skb_store_bytes)(void *ctx, u32 offset, const void *from, u32 len,
	u64 flags) = (void *)9;
static int (*const bpf_l3_csum_replace)(void *ctx, u32 offset, u64 from, u64 to,
	u64 size) = (void *)10;
static int (*const bpf_l4_csum_replace)(void *ctx, u32 offset, u64 from, u64 to,
	u64 flags) = (void *)11;
static int (*const bpf_tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static int (*const bpf_clone_redirect)(void *ctx, u32 ifindex, u64 flags) = (void *)13;
static u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static u64 (*const bpf_get_current_uid_gid)(void) = (void *)15;
static int (*const bpf_get_current_comm)(void *buf, u32 size_of_buf) = (void *)16;
static u32 (*const bpf_get_cgroup_classid)(void *ctx) = (void *)17;
static int (*const bpf_skb_vlan_push)(void *ctx, u16 vlan_proto, u16 vlan_tci) = (void *)18;
static int (*const bpf_skb_vlan_pop)(void *ctx) = (void *)19;
static int (*const bpf_skb_get_tunnel_key)(void *ctx, void *key, u32 size,
	u64 flags) = (void *)20;
static int (*const bpf_skb_set_tunnel_key)(void *ctx, const void *key, u32 size,
	u64 flags) = (void *)21;
static u64 (*const bpf_perf_event_read)(void *map, u64 flags) = (void *)22;
static int (*const bpf_redirect)(u32 ifindex, u64 flags) = (void *)23;
static u32 (*const bpf_get_route_realm)(void *ctx) = (void *)24;
static int (*const bpf_perf_event_output)(void *ctx, void *map, u64 flags, const void *data,
	u64 size) = (void *)25;
static int (*const bpf_skb_load_bytes)(const void *ctx, u32 offset, void *to, u32 len) = (void *)26;
static int (*const bpf_get_stackid)(void *ctx, void *map, u64 flags) = (void *)27;
static s64 (*const bpf_csum_diff)(const void *from, u32 from_size, const void *to, u32 to_size,
	u32 seed) = (void *)28;
static int (*const bpf_skb_get_tunnel_opt)(void *ctx, void *opt, u32 size) = (void *)29;
static int (*const bpf_skb_set_tunnel_opt)(void *ctx, void *opt, u32 size) = (void *)30;
static int (*const bpf_skb_change_proto)(void *ctx, u16 proto, u64 flags) = (void *)31;
static int (*const bpf_skb_change_type)(void *ctx, u32 type) = (void *)32;
static int (*const bpf_skb_under_cgroup)(void *ctx, void *map, u32 index) = (void *)33;
static u32 (*const bpf_get_hash_recalc)(void *ctx) = (void *)34;
static u64 (*const bpf_get_current_task)(void) = (void *)35;
static int (*const bpf_probe_write_user)(void *dst, const void *src, u32 len) = (void *)36;
static int (*const bpf_current_task_under_cgroup)(void *map, u32 index) = (void *)37;
static int (*const bpf_skb_change_tail)(void *ctx, u32 len, u64 flags) = (void *)38;
static int (*const bpf_skb_pull_data)(void *ctx, u32 len) = (void *)39;
static s64 (*const bpf_csum_update)(void *ctx, u32 csum) = (void *)40;
static void (*const bpf_set_hash_invalid)(void *ctx) = (void *)41;
static int (*const bpf_get_numa_node_id)(void) = (void *)42;
static int (*const bpf_skb_change_head)(void *ctx, u32 len, u64 flags) = (void *)43;
static int (*const bpf_xdp_adjust_head)(void *ctx, int delta) = (void *)44;
static int (*const bpf_probe_read_str)(void *dst, u32 size, const void *src) = (void *)45;
static u64 (*const bpf_get_socket_cookie)(void *ctx) = (void *)46;
static u32 (*const bpf_get_socket_uid)(void *ctx) = (void *)47;
static int (*const bpf_set_hash)(void *ctx, u32 hash) = (void *)48;
static int (*const bpf_setsockopt)(void *bpf_socket, int level, int optname, const void *optval,
	int optlen) = (void *)49;
static int (*const bpf_skb_adjust_room)(void *ctx, s32 len_diff, u32 mode, u64 flags) = (void *)50;
static int (*const bpf_redirect_map)(void *map, u64 key, u64 flags) = (void *)51;
static int (*const bpf_sk_redirect_map)(void *ctx, void *map, u32 key, u64 flags) = (void *)52;
static int (*const bpf_sock_map_update)(void *skops, void *map, const void *key,
	u64 flags) = (void *)53;
static int (*const bpf_xdp_adjust_meta)(void *ctx, int delta) = (void *)54;
static int (*const bpf_perf_event_read_value)(void *map, u64 flags, void *buf,
	u32 buf_size) = (void *)55;
static int (*const bpf_perf_prog_read_value)(void *ctx, void *buf, u32 buf_size) = (void *)56;
static int (*const bpf_getsockopt)(void *bpf_socket, int level, int optname, void *optval,
	int optlen) = (void *)57;
static int (*const bpf_override_return)(void *regs, u64 rc) = (void *)58;
static int (*const bpf_sock_ops_cb_flags_set)(void *bpf_sock, int argval) = (void *)59;
static int (*const bpf_msg_redirect_map)(void *msg, void *map, u32 key, u64 flags) = (void *)60;
static int (*const bpf_msg_apply_bytes)(void *msg, u32 bytes) = (void *)61;
static int (*const bpf_msg_cork_bytes)(void *msg, u32 bytes) = (void *)62;
static int (*const bpf_msg_pull_data)(void *msg, u32 start, u32 end, u64 flags) = (void *)63;
static int (*const bpf_bind)(void *ctx, const void *addr, int addr_len) = (void *)64;
static int (*const bpf_xdp_adjust_tail)(void *ctx, int delta) = (void *)65;
static int (*const bpf_skb_get_xfrm_state)(void *ctx, u32 index, void *xfrm_state, u32 size,
	u64 flags) = (void *)66;
static int (*const bpf_get_stack)(void *ctx, void *buf, u32 size, u64 flags) = (void *)67;
static int (*const bpf_skb_load_bytes_relative)(const void *ctx, u32 offset, void *to, u32 len,
	u32 start_header) = (void *)68;
static int (*const bpf_fib_lookup)(void *ctx, void *params, int plen, u32 flags) = (void *)69;
static int (*const bpf_sock_hash_update)(void *skops, void *map, const void *key,
	u64 flags) = (void *)70;
static int (*const bpf_msg_redirect_hash)(void *msg, void *map, const void *key,
	u64 flags) = (void *)71;
static int (*const bpf_sk_redirect_hash)(void *ctx, void *map, const void *key,
	u64 flags) = (void *)72;
static int (*const bpf_lwt_push_encap)(void *ctx, u32 type, const void *hdr, u32 len) = (void *)73;
static int (*const bpf_lwt_seg6_store_bytes)(void *ctx, u32 offset, const void *from,
	u32 len) = (void *)74;
static int (*const bpf_lwt_seg6_adjust_srh)(void *ctx, u32 offset, s32 delta) = (void *)75;
static int (*const bpf_lwt_seg6_action)(void *ctx, u32 action, const void *param,
	u32 param_len) = (void *)76;
static int (*const bpf_rc_repeat)(void *ctx) = (void *)77;
static int (*const bpf_rc_keydown)(void *ctx, u32 protocol, u64 scancode, u32 toggle) = (void *)78;
static u64 (*const bpf_skb_cgroup_id)(void *ctx) = (void *)79;
static u64 (*const bpf_get_current_cgroup_id)(void) = (void *)80;
static void *(*const bpf_get_local_storage)(void *map, u64 flags) = (void *)81;
static int (*const bpf_sk_select_reuseport)(void *reuse, void *map, const void *key,
	u64 flags) = (void *)82;
static u64 (*const bpf_skb_ancestor_cgroup_id)(void *ctx, int ancestor_level) = (void *)83;
static struct bpf_sock *(*const bpf_sk_lookup_tcp)(void *ctx, const void *tuple, u32 tuple_size,
	u64 netns, u64 flags) = (void *)84;
static struct bpf_sock *(*const bpf_sk_lookup_udp)(void *ctx, const void *tuple, u32 tuple_size,
	u64 netns, u64 flags) = (void *)85;
static int (*const bpf_sk_release)(void *sock) = (void *)86;
static int (*const bpf_map_push_elem)(void *map, const void *value, u64 flags) = (void *)87;
static int (*const bpf_map_pop_elem)(void *map, const void *value) = (void *)88;
static int (*const bpf_map_peek_elem)(void *map, const void *value) = (void *)89;
static int (*const bpf_msg_push_data)(void *msg, u32 start, u32 len, u64 flags) = (void *)90;
static int (*const bpf_msg_pop_data)(void *msg, u32 start, u32 len, u64 flags) = (void *)91;
static int (*const bpf_rc_pointer_rel)(void *ctx, s32 rel_x, s32 rel_y) = (void *)92;
static int (*const bpf_spin_lock)(void *lock) = (void *)93;
static int (*const bpf_spin_unlock)(void *lock) = (void *)94;
static struct bpf_sock *(*const bpf_sk_fullsock)(void *sk) = (void *)95;
static struct bpf_tcp_sock *(*const bpf_tcp_sock)(void *sk) = (void *)96;
static int (*const bpf_skb_ecn_set_ce)(void *ctx) = (void *)97;
static struct bpf_sock *(*const bpf_get_listener_sock)(void *sk) = (void *)98;
static struct bpf_sock *(*const bpf_skc_lookup_tcp)(void *ctx, const void *tuple, u32 tuple_size,
	u64 netns, u64 flags) = (void *)99;
static int (*const bpf_tcp_check_syncookie)(void *sk, const void *iph, u32 iph_len,
	const void *th, u32 th_len) = (void *)100;
static int (*const bpf_sysctl_get_name)(void *ctx, char *buf, unsigned long buf_len,
	u64 flags) = (void *)101;
static int (*const bpf_sysctl_get_current_value)(void *ctx, char *buf,
	unsigned long buf_len) = (void *)102;
static int (*const bpf_sysctl_get_new_value)(void *ctx, char *buf,
	unsigned long buf_len) = (void *)103;
static int (*const bpf_sysctl_set_new_value)(void *ctx, const char *buf,
	unsigned long buf_len) = (void *)104;
static int (*const bpf_strtol)(const char *buf, unsigned long buf_len, u64 flags,
	long *res) = (void *)105;
static int (*const bpf_strtoul)(const char *buf, unsigned long buf_len, u64 flags,
	unsigned long *res) = (void *)106;
static void *(*const bpf_sk_storage_get)(void *map, void *sk, const void *value,
	u64 flags) = (void *)107;
static int (*const bpf_sk_storage_delete)(void *map, void *sk) = (void *)108;
static int (*const bpf_send_signal)(u32 sig) = (void *)109;
static s64 (*const bpf_tcp_gen_syncookie)(void *sk, const void *iph, u32 iph_len, const void *th,
	u32 th_len) = (void *)110;
static int (*const bpf_skb_output)(void *ctx, void *map, u64 flags, const void *data,
	u64 size) = (void *)111;
static int (*const bpf_probe_read_user)(void *dst, u32 size, const void *src) = (void *)112;
static int (*const bpf_probe_read_kernel)(void *dst, u32 size, const void *src) = (void *)113;
static int (*const bpf_probe_read_user_str)(void *dst, u32 size, const void *src) = (void *)114;
static int (*const bpf_probe_read_kernel_str)(void *dst, u32 size, const void *src) = (void *)115;
static int (*const bpf_tcp_send_ack)(void *tp, u32 rcv_nxt) = (void *)116;
static int (*const bpf_send_signal_thread)(u32 sig) = (void *)117;
static u64 (*const bpf_jiffies64)(void) = (void *)118;
static int (*const bpf_read_branch_records)(void *ctx, void *buf, u32 size,
	u64 flags) = (void *)119;
static int (*const bpf_get_ns_current_pid_tgid)(u64 dev, u64 ino, void *nsdata,
	u32 size) = (void *)120;
static int (*const bpf_xdp_output)(void *ctx, void *map, u64 flags, const void *data,
	u64 size) = (void *)121;
static u64 (*const bpf_get_netns_cookie)(void *ctx) = (void *)122;
static u64 (*const bpf_get_current_ancestor_cgroup_id)(int ancestor_level) = (void *)123;
static int (*const bpf_sk_assign)(void *ctx, void *sk, u64 flags) = (void *)124;
static u64 (*const bpf_ktime_get_boot_ns)(void) = (void *)125;
static int (*const bpf_seq_printf)(void *m, const char *fmt, u32 fmt_size, const void *data,
	u32 data_len) = (void *)126;
static int (*const bpf_seq_write)(void *m, const void *data, u32 len) = (void *)127;
static u64 (*const bpf_sk_cgroup_id)(void *sk) = (void *)128;
static u64 (*const bpf_sk_ancestor_cgroup_id)(void *sk, int ancestor_level) = (void *)129;
static long (*const bpf_ringbuf_output)(void *ringbuf, const void *data, u64 size,
	u64 flags) = (void *)130;
static void *(*const bpf_ringbuf_reserve)(void *ringbuf, u64 size, u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *data, u64 flags) = (void *)132;
static void (*const bpf_ringbuf_discard)(void *data, u64 flags) = (void *)133;
static u64 (*const bpf_ringbuf_query)(void *ringbuf, u64 flags) = (void *)134;
static long (*const bpf_csum_level)(void *ctx, u64 level) = (void *)135;
static struct tcp6_sock *(*const bpf_skc_to_tcp6_sock)(void *sk) = (void *)136;
static struct tcp_sock *(*const bpf_skc_to_tcp_sock)(void *sk) = (void *)137;
static struct tcp_timewait_sock *(*const bpf_skc_to_tcp_timewait_sock)(void *sk) = (void *)138;
static struct tcp_request_sock *(*const bpf_skc_to_tcp_request_sock)(void *sk) = (void *)139;
static struct udp6_sock *(*const bpf_skc_to_udp6_sock)(void *sk) = (void *)140;
static long (*const bpf_get_task_stack)(void *task, void *buf, u32 size, u64 flags) = (void *)141;
static long (*const bpf_load_hdr_opt)(void *skops, void *searchby_res, u32 len,
	u64 flags) = (void *)142;
static long (*const bpf_store_hdr_opt)(void *skops, const void *from, u32 len,
	u64 flags) = (void *)143;
static long (*const bpf_reserve_hdr_opt)(void *skops, u32 len, u64 flags) = (void *)144;
static void *(*const bpf_inode_storage_get)(void *map, void *inode, const void *value,
	u64 flags) = (void *)145;
static int (*const bpf_inode_storage_delete)(void *map, void *inode) = (void *)146;
static long (*const bpf_d_path)(void *path, char *buf, u32 sz) = (void *)147;
static long (*const bpf_copy_from_user)(void *dst, u32 size, const void *src) = (void *)148;
static long (*const bpf_snprintf_btf)(char *str, u32 str_size, void *ptr, u32 btf_ptr_size,
	u64 flags) = (void *)149;
static long (*const bpf_seq_printf_btf)(void *m, void *ptr, u32 ptr_size, u64 flags) = (void *)150;
static u64 (*const bpf_skb_cgroup_classid)(void *ctx) = (void *)151;
static long (*const bpf_redirect_neigh)(u32 ifindex, void *params, int plen,
	u64 flags) = (void *)152;
static void *(*const bpf_per_cpu_ptr)(const void *percpu_ptr, u32 cpu) = (void *)153;
static void *(*const bpf_this_cpu_ptr)(const void *percpu_ptr) = (void *)154;
static long (*const bpf_redirect_peer)(u32 ifindex, u64 flags) = (void *)155;
static void *(*const bpf_task_storage_get)(void *map, void *task, const void *value,
	u64 flags) = (void *)156;
static long (*const bpf_task_storage_delete)(void *map, void *task) = (void *)157;
static struct task_struct *(*const bpf_get_current_task_btf)(void) = (void *)158;
static long (*const bpf_bprm_opts_set)(void *bprm, u64 flags) = (void *)159;
static u64 (*const bpf_ktime_get_coarse_ns)(void) = (void *)160;
static long (*const bpf_ima_inode_hash)(void *inode, void *dst, u32 size) = (void *)161;
static struct socket *(*const bpf_sock_from_file)(void *file) = (void *)162;
static long (*const bpf_check_mtu)(void *ctx, u32 ifindex, u32 *mtu_len, s32 len_diff,
	u64 flags) = (void *)163;
static long (*const bpf_for_each_map_elem)(void *map, void *callback_fn, void *callback_ctx,
	u64 flags) = (void *)164;
static long (*const bpf_snprintf)(char *str, u32 str_size, const char *fmt, u64 *data,
	u32 data_len) = (void *)165;
static long (*const bpf_sys_bpf)(u32 cmd, void *attr, u32 attr_size) = (void *)166;
static long (*const bpf_btf_find_by_name_kind)(char *name, int name_sz, u32 kind,
	int flags) = (void *)167;
static long (*const bpf_sys_close)(u32 fd) = (void *)168;
static long (*const bpf_timer_init)(void *timer, void *map, u64 flags) = (void *)169;
static long (*const bpf_timer_set_callback)(void *timer, void *callback_fn) = (void *)170;
static long (*const bpf_timer_start)(void *timer, u64 nsecs, u64 flags) = (void *)171;
static long (*const bpf_timer_cancel)(void *timer) = (void *)172;
static u64 (*const bpf_get_func_ip)(void *ctx) = (void *)173;
static u64 (*const bpf_get_attach_cookie)(void *ctx) = (void *)174;
static long (*const bpf_task_pt_regs)(void *task) = (void *)175;
static long (*const bpf_get_branch_snapshot)(void *entries, u32 size, u64 flags) = (void *)176;
static long (*const bpf_trace_vprintk)(const char *fmt, u32 fmt_size, const void *data,
	u32 data_len) = (void *)177;
static struct unix_sock *(*const bpf_skc_to_unix_sock)(void *sk) = (void *)178;
static long (*const bpf_kallsyms_lookup_name)(const char *name, int name_sz, int flags,
	u64 *res) = (void *)179;
static long (*const bpf_find_vma)(void *task, u64 addr, void *callback_fn, void *callback_ctx,
	u64 flags) = (void *)180;
static long (*const bpf_loop)(u32 nr_loops, void *callback_fn, void *callback_ctx,
	u64 flags) = (void *)181;
static long (*const bpf_strncmp)(const char *s1, u32 s1_sz, const char *s2) = (void *)182;
static long (*const bpf_get_func_arg)(void *ctx, u32 n, u64 *value) = (void *)183;
static long (*const bpf_get_func_ret)(void *ctx, u64 *value) = (void *)184;
static long (*const bpf_get_func_arg_cnt)(void *ctx) = (void *)185;
static int (*const bpf_get_retval)(void) = (void *)186;
static int (*const bpf_set_retval)(int retval) = (void *)187;
static u64 (*const bpf_xdp_get_buff_len)(void *ctx) = (void *)188;
static long (*const bpf_xdp_load_bytes)(void *ctx, u32 offset, void *buf, u32 len) = (void *)189;
static long (*const bpf_xdp_store_bytes)(void *ctx, u32 offset, void *buf, u32 len) = (void *)190;
static long (*const bpf_copy_from_user_task)(void *dst, u32 size, const void *src, void *tsk,
	u64 flags) = (void *)191;
static long (*const bpf_skb_set_tstamp)(void *ctx, u64 tstamp, u32 tstamp_type) = (void *)192;
static long (*const bpf_ima_file_hash)(void *file, void *dst, u32 size) = (void *)193;
static void *(*const bpf_kptr_xchg)(void *dst, void *ptr) = (void *)194;
static void *(*const bpf_map_lookup_percpu_elem)(void *map, const void *key, u32 cpu) = (void *)195;
static struct mptcp_sock *(*const bpf_skc_to_mptcp_sock)(void *sk) = (void *)196;
static long (*const bpf_dynptr_from_mem)(void *data, u32 size, u64 flags, void *ptr) = (void *)197;
static long (*const bpf_ringbuf_reserve_dynptr)(void *ringbuf, u32 size, u64 flags,
	void *ptr) = (void *)198;
static void (*const bpf_ringbuf_submit_dynptr)(void *ptr, u64 flags) = (void *)199;
static void (*const bpf_ringbuf_discard_dynptr)(void *ptr, u64 flags) = (void *)200;
static long (*const bpf_dynptr_read)(void *dst, u32 len, const void *src, u32 offset,
	u64 flags) = (void *)201;
static long (*const bpf_dynptr_write)(const void *dst, u32 offset, void *src, u32 len,
	u64 flags) = (void *)202;
static void *(*const bpf_dynptr_data)(const void *ptr, u32 offset, u32 len) = (void *)203;
static s64 (*const bpf_tcp_raw_gen_syncookie_ipv4)(const void *iph, const void *th,
	u32 th_len) = (void *)204;
static s64 (*const bpf_tcp_raw_gen_syncookie_ipv6)(const void *iph, const void *th,
	u32 th_len) = (void *)205;
static long (*const bpf_tcp_raw_check_syncookie_ipv4)(const void *iph,
	const void *th) = (void *)206;
static long (*const bpf_tcp_raw_check_syncookie_ipv6)(const void *iph,
	const void *th) = (void *)207;
static u64 (*const bpf_ktime_get_tai_ns)(void) = (void *)208;
static long (*const bpf_user_ringbuf_drain)(void *map, void *callback_fn, void *ctx,
	u64 flags) = (void *)209;
static void *(*const bpf_cgrp_storage_get)(void *map, void *cgroup, const void *value,
	u64 flags) = (void *)210;
static long (*const bpf_cgrp_storage_delete)(void *map, void *cgroup) = (void *)211;
