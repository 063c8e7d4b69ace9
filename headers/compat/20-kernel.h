/* Names of the kernel's own, private headers. */
//@header linux/sched.h
#define PF_VCPU 0x00000001
#define PF_IDLE 0x00000002
#define PF_EXITING 0x00000004
#define PF_WQ_WORKER 0x00000020
#define PF_FORKNOEXEC 0x00000040
#define PF_SUPERPRIV 0x00000100
#define PF_DUMPCORE 0x00000200
#define PF_SIGNALED 0x00000400
#define PF_MEMALLOC 0x00000800
#define PF_USED_MATH 0x00002000
#define PF_NOFREEZE 0x00008000
#define PF_KSWAPD 0x00020000
#define PF_KTHREAD 0x00200000
#define PF_RANDOMIZE 0x00400000
#define TASK_RUNNING 0x00000000
#define TASK_INTERRUPTIBLE 0x00000001
#define TASK_UNINTERRUPTIBLE 0x00000002
#define __TASK_STOPPED 0x00000004
#define __TASK_TRACED 0x00000008
#define EXIT_DEAD 0x00000010
#define EXIT_ZOMBIE 0x00000020
#define TASK_PARKED 0x00000040
#define TASK_DEAD 0x00000080
#define TASK_WAKEKILL 0x00000100
#define TASK_WAKING 0x00000200
#define TASK_NOLOAD 0x00000400
#define TASK_NEW 0x00000800
#define TASK_KILLABLE (TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_IDLE (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define TASK_COMM_LEN 16
#define MAX_PRIO 140
#define MAX_RT_PRIO 100
#define DEFAULT_PRIO 120
#define MAX_NICE 19
#define MIN_NICE (-20)
#define NICE_TO_PRIO(nice) ((nice) + DEFAULT_PRIO)
#define PRIO_TO_NICE(prio) ((prio) - DEFAULT_PRIO)
static inline pid_t task_pid_nr(struct task_struct *tsk)
{
	return tsk->pid;
}
static inline pid_t task_tgid_nr(struct task_struct *tsk)
{
	return tsk->tgid;
}
static inline pid_t task_ppid_nr(struct task_struct *tsk)
{
	return tsk->real_parent->tgid;
}
//@if member task_struct thread_pid
static inline struct pid *task_pid(struct task_struct *task)
{
	return task->thread_pid;
}
static inline struct pid *task_tgid(struct task_struct *task)
{
	return task->signal->pids[PIDTYPE_TGID];
}
static inline struct pid *task_pgrp(struct task_struct *task)
{
	return task->signal->pids[PIDTYPE_PGID];
}
static inline struct pid *task_session(struct task_struct *task)
{
	return task->signal->pids[PIDTYPE_SID];
}
//@if member task_struct thread_pid
static inline bool pid_alive(const struct task_struct *task)
{
	return task->thread_pid != NULL;
}
//@if member thread_info cpu
static inline unsigned int task_cpu(const struct task_struct *task)
{
	return task->thread_info.cpu;
}
//@if member task_struct cpu
static inline unsigned int task_cpu(const struct task_struct *task)
{
	return task->cpu;
}
static inline int task_nice(const struct task_struct *task)
{
	return PRIO_TO_NICE(task->static_prio);
}
static inline bool is_idle_task(const struct task_struct *task)
{
	return task->flags & PF_IDLE;
}
static inline bool thread_group_leader(const struct task_struct *task)
{
	return task->exit_signal >= 0;
}
static inline bool same_thread_group(const struct task_struct *a, const struct task_struct *b)
{
	return a->signal == b->signal;
}
static inline void *task_stack_page(const struct task_struct *task)
{
	return task->stack;
}
//@if member task_struct thread_info
#define task_thread_info(task) (&(task)->thread_info)
//@if member task_struct __state
#define task_is_running(task) ((task)->__state == TASK_RUNNING)
//@if member task_struct state
#define task_is_running(task) ((task)->state == TASK_RUNNING)
static inline bool is_global_init_tgid(struct task_struct *task)
{
	return task->tgid == 1;
}
//@if member task_struct __state
static inline unsigned int bcc_task_state(struct task_struct *task)
{
	return task->__state;
}
//@if !member task_struct __state
static inline unsigned int bcc_task_state(struct task_struct *task)
{
	return task->state;
}

//@header linux/dcache.h linux/fs.h
#define DNAME_INLINE_LEN $sizeof(dentry.d_iname)
//@if member dentry d_shortname
#define DNAME_INLINE_LEN $sizeof(dentry.d_shortname)
//@if member dentry d_shortname
//@alias
#define d_iname d_shortname.string
#define DCACHE_ENTRY_TYPE 0x00700000
static inline bool d_is_negative(const struct dentry *dentry)
{
	return dentry->d_inode == NULL;
}
static inline bool d_is_dir(const struct dentry *dentry)
{
	return S_ISDIR(dentry->d_inode->i_mode);
}
static inline bool d_is_reg(const struct dentry *dentry)
{
	return S_ISREG(dentry->d_inode->i_mode);
}
static inline bool sb_rdonly(const struct super_block *sb)
{
	return sb->s_flags & 1;
}
static inline struct inode *d_inode(const struct dentry *dentry)
{
	return dentry->d_inode;
}
static inline struct inode *d_backing_inode(const struct dentry *upper)
{
	return upper->d_inode;
}
static inline struct dentry *file_dentry(const struct file *file)
{
	return file->f_path.dentry;
}
static inline struct inode *file_inode(const struct file *f)
{
	return f->f_inode;
}

//@header linux/fs.h
#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_LSEEK 0x4
#define FMODE_PREAD 0x8
#define FMODE_PWRITE 0x10
#define FMODE_EXEC 0x20
#define FMODE_CREATED 0x100000
#define FMODE_OPENED 0x80000
/* States of an inode. The bits were numbered anew when i_state became 32 bits wide (v6.12), and are
 * enumerators since v6.18.
 */
//@if size inode.i_state 8
#define I_DIRTY_SYNC (1 << 0)
//@if size inode.i_state 8
#define I_DIRTY_DATASYNC (1 << 1)
//@if size inode.i_state 8
#define I_DIRTY_PAGES (1 << 2)
//@if size inode.i_state 8
#define I_NEW (1 << 3)
//@if size inode.i_state 8
#define I_WILL_FREE (1 << 4)
//@if size inode.i_state 8
#define I_FREEING (1 << 5)
//@if size inode.i_state 8
#define I_CLEAR (1 << 6)
//@if size inode.i_state 8
#define I_SYNC (1 << 7)
//@if size inode.i_state 8
#define I_REFERENCED (1 << 8)
//@if size inode.i_state 8
#define I_WB_SWITCH (1 << 13)
//@if size inode.i_state 8
#define I_OVL_INUSE (1 << 14)
//@if size inode.i_state 8
#define I_CREATING (1 << 15)
//@if size inode.i_state 8
#define I_DONTCACHE (1 << 16)
//@if size inode.i_state 8
#define I_SYNC_QUEUED (1 << 17)
//@if size inode.i_state 4
#define I_NEW (1 << 0)
//@if size inode.i_state 4
#define I_SYNC (1 << 1)
//@if size inode.i_state 4
#define I_LRU_ISOLATING (1 << 2)
//@if size inode.i_state 4
#define I_DIRTY_SYNC (1 << 3)
//@if size inode.i_state 4
#define I_DIRTY_DATASYNC (1 << 4)
//@if size inode.i_state 4
#define I_DIRTY_PAGES (1 << 5)
//@if size inode.i_state 4
#define I_WILL_FREE (1 << 6)
//@if size inode.i_state 4
#define I_FREEING (1 << 7)
//@if size inode.i_state 4
#define I_CLEAR (1 << 8)
//@if size inode.i_state 4
#define I_REFERENCED (1 << 9)
//@if size inode.i_state 4
#define I_WB_SWITCH (1 << 12)
//@if size inode.i_state 4
#define I_OVL_INUSE (1 << 13)
//@if size inode.i_state 4
#define I_CREATING (1 << 14)
//@if size inode.i_state 4
#define I_DONTCACHE (1 << 15)
//@if size inode.i_state 4
#define I_SYNC_QUEUED (1 << 16)
#define I_DIRTY_INODE (I_DIRTY_SYNC | I_DIRTY_DATASYNC)
#define I_DIRTY (I_DIRTY_INODE | I_DIRTY_PAGES)
#define I_DIRTY_ALL (I_DIRTY | I_DIRTY_TIME)

#define READ 0
#define WRITE 1
#define WRITEA 2
#define IOCB_APPEND 0x10
#define IOCB_DIRECT 0x20000
#define MAJOR(dev) ((unsigned int)((dev) >> MINORBITS))
#define MINOR(dev) ((unsigned int)((dev) & MINORMASK))
#define MKDEV(ma, mi) (((ma) << MINORBITS) | (mi))
#define MINORBITS 20
#define MINORMASK ((1U << MINORBITS) - 1)
static inline loff_t i_size_read(const struct inode *inode)
{
	return inode->i_size;
}
static inline uid_t i_uid_read(const struct inode *inode)
{
	return inode->i_uid.val;
}
static inline gid_t i_gid_read(const struct inode *inode)
{
	return inode->i_gid.val;
}
static inline unsigned imajor(const struct inode *inode)
{
	return MAJOR(inode->i_rdev);
}
static inline unsigned iminor(const struct inode *inode)
{
	return MINOR(inode->i_rdev);
}

//@header linux/uidgid.h linux/cred.h
#define __kuid_val(uid) ((uid).val)
#define __kgid_val(gid) ((gid).val)
#define KUIDT_INIT(value) (kuid_t){ value }
#define KGIDT_INIT(value) (kgid_t){ value }
#define GLOBAL_ROOT_UID KUIDT_INIT(0)
static inline bool uid_eq(kuid_t left, kuid_t right)
{
	return left.val == right.val;
}
static inline uid_t from_kuid(void *to, kuid_t uid)
{
	return uid.val;
}

//@header linux/list.h linux/types.h linux/rculist.h
#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(ptr, type, member) list_entry((ptr)->next, type, member)
#define list_last_entry(ptr, type, member) list_entry((ptr)->prev, type, member)
#define list_next_entry(pos, member) list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member) list_entry((pos)->member.prev, __typeof__(*(pos)), member)
#define list_entry_rcu(ptr, type, member) container_of(ptr, type, member)
#define hlist_entry(ptr, type, member) container_of(ptr, type, member)
#define hlist_entry_safe(ptr, type, member) ({ __typeof__(ptr) _bcc_ptr = (ptr); _bcc_ptr ? hlist_entry(_bcc_ptr, type, member) : NULL; })
#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define LIST_POISON1 ((void *)0xdead000000000100UL)
#define LIST_POISON2 ((void *)0xdead000000000122UL)
static inline int list_empty(const struct list_head *head)
{
	return head->next == head;
}
static inline int hlist_empty(const struct hlist_head *h)
{
	return !h->first;
}

//@header linux/atomic.h asm/atomic.h
#define atomic_long_read(v) ((long)(v)->counter)
static inline int atomic_read(const atomic_t *v)
{
	return v->counter;
}
static inline s64 atomic64_read(const atomic64_t *v)
{
	return v->counter;
}

//@header linux/refcount.h linux/kref.h
static inline unsigned int refcount_read(const refcount_t *r)
{
	return r->refs.counter;
}
static inline unsigned int kref_read(const struct kref *kref)
{
	return kref->refcount.refs.counter;
}

//@header linux/types.h linux/rcupdate.h
//@if !tag rcu_head
#define rcu_head callback_head

//@header linux/socket.h
//@if !tag sockaddr_storage
#define sockaddr_storage __kernel_sockaddr_storage

//@header linux/scatterlist.h
#define SG_CHAIN 0x01UL
#define SG_END 0x02UL
#define SG_PAGE_LINK_MASK (SG_CHAIN | SG_END)
#define __sg_flags(sg) ((sg)->page_link & SG_PAGE_LINK_MASK)
#define sg_is_chain(sg) (__sg_flags(sg) & SG_CHAIN)
#define sg_is_last(sg) (__sg_flags(sg) & SG_END)
#define sg_chain_ptr(sg) ((struct scatterlist *)((sg)->page_link & ~SG_PAGE_LINK_MASK))
#define sg_page(sg) ((struct page *)((sg)->page_link & ~SG_PAGE_LINK_MASK))

//@header linux/page-flags.h linux/mm.h linux/mm_types.h
#define folio_page(folio, n) (&(folio)->page + (n))

//@header linux/cgroup.h linux/cgroup-defs.h
static inline struct cgroup *task_dfl_cgroup(struct task_struct *task)
{
	return task->cgroups->dfl_cgrp;
}
static inline u64 cgroup_id(const struct cgroup *cgrp)
{
	return cgrp->kn->id;
}

//@header linux/pid_namespace.h linux/pid.h linux/nsproxy.h
#define MAX_PID_NS_LEVEL 32
static inline struct pid_namespace *ns_of_pid(struct pid *pid)
{
	return pid->numbers[pid->level].ns;
}
static inline pid_t pid_nr(struct pid *pid)
{
	return pid->numbers[0].nr;
}
static inline struct pid_namespace *task_active_pid_ns(struct task_struct *tsk)
{
	return ns_of_pid(task_pid(tsk));
}

//@header linux/workqueue.h
#define to_delayed_work(work) container_of(work, struct delayed_work, work)

//@header linux/dma-mapping.h
#define DMA_BIT_MASK(n) ((n) == 64 ? ~0ULL : (1ULL << (n)) - 1)
