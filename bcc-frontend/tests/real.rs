//! Programs over real kernel headers: the trees that `BCC_TEST_HEADERS` names (build directories,
//! separated by colons), as `./x test headers` fetches them.

use bcc_core::compile::{CompileOutput, CompileRequest, Compiler as _};
use bcc_core::target::Target;
use bcc_sys::btf::{Btf, Index, TypeId, lookup};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const TEXT: &str = r#"
#include <uapi/linux/ptrace.h>
#include <linux/sched.h>
#include <linux/fs.h>
#include <net/sock.h>
#include <net/inet_sock.h>
#include <linux/blk-mq.h>
#include <bcc/proto.h>

struct event { u32 pid; u16 port; u64 size; char comm[TASK_COMM_LEN]; };
BPF_HASH(sizes, u32, struct event);
BPF_PERF_OUTPUT(events);

int kprobe__tcp_sendmsg(struct pt_regs *ctx, struct sock *sk, struct msghdr *msg, size_t size)
{
	struct event event = { .size = size };
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u32 pid = task->tgid;
	event.pid = pid;
	event.port = ntohs(inet_sk(sk)->inet_dport);
	bpf_get_current_comm(&event.comm, sizeof(event.comm));
	if (sock_flag(sk, SOCK_DEAD))
		return 0;
	sizes.update(&pid, &event);
	events.perf_submit(ctx, &event, sizeof(event));
	return 0;
}

int on_request(struct pt_regs *ctx, struct request *rq)
{
	return blk_rq_bytes(rq) + (LINUX_VERSION_CODE >= KERNEL_VERSION(5, 0, 0));
}

int filter(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
	return ethernet->type == 0x800 ? -1 : 0;
}
"#;

fn request(tree: PathBuf) -> CompileRequest {
    CompileRequest {
        text: TEXT.as_bytes().to_vec(),
        file: "/virtual/main.c".to_owned(),
        target: Target { kernel_source: Some(tree), vmlinux_btf: None, ..Target::live() },
        ..CompileRequest::default()
    }
}

#[test]
#[ignore = "needs trees of kernel headers: run by x test headers"]
fn programs_compile_over_real_headers() {
    let cache = private();
    for tree in trees() {
        let mut request = request(tree.clone());
        request.target.index_cache = Some(cache.path().to_owned());
        let (output, tree) = (bcc_frontend::Compiler.compile(&request), tree.display());
        let output = output.unwrap_or_else(|error| panic!("{tree}: {error}"));
        let mut names: Vec<&str> = output.spec.programs.iter().map(|p| p.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["filter", "kprobe__tcp_sendmsg", "on_request"], "{tree}");
        assert!(output.spec.programs.iter().all(|p| p.insns.len() > 16), "{tree}");
        println!("{tree}: {} programs", names.len());
    }
}

fn trees() -> Vec<PathBuf> {
    let trees = std::env::var("BCC_TEST_HEADERS").expect("BCC_TEST_HEADERS names trees");
    trees.split(':').filter(|tree| !tree.is_empty()).map(PathBuf::from).collect()
}

fn private() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let closed = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(directory.path(), closed).expect("closed");
    directory
}

/// A module without the order in which clang happened to number types.
fn code(output: CompileOutput) -> CompileOutput {
    let mut output = output;
    let spec = &mut output.spec;
    spec.btf = Vec::new();
    for map in &mut spec.maps {
        (map.btf_key_id, map.btf_value_id) = (0, 0);
    }
    for program in &mut spec.programs {
        (program.func_info, program.line_info) = (Vec::new(), Vec::new());
    }
    output
}

/// The one file of precompiled headers there, and its inode.
fn precompiled(directory: &Path) -> (PathBuf, u64) {
    let entries = std::fs::read_dir(directory).expect("listed").flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "pch"));
    assert_eq!(files.len(), 1, "{files:?}");
    let inode = std::fs::metadata(&files[0]).expect("there").ino();
    (files.remove(0), inode)
}

#[test]
#[ignore = "needs trees of kernel headers: run by x test headers"]
fn precompiled_headers_give_the_same_module_and_are_made_again_when_they_are_stale() {
    let tree = trees().pop().expect("a tree");
    let compile = |request: &CompileRequest| {
        let output = bcc_frontend::Compiler.compile(request);
        code(output.unwrap_or_else(|error| panic!("{}: {error}", tree.display())))
    };
    let mut request = request(tree.clone());
    request.target.index_cache = Some(PathBuf::from("/nowhere"));
    let plain = compile(&request);

    let cache = private();
    request.target.index_cache = Some(cache.path().to_owned());
    assert_eq!(compile(&request), plain);
    let (file, inode) = precompiled(cache.path());
    assert_eq!(compile(&request), plain);
    assert_eq!(precompiled(cache.path()), (file.clone(), inode), "made twice");

    // Whole by its name, but of other headers: clang refuses it, and that must not show.
    let other = private();
    let mut small = request.clone();
    small.text = b"#include <linux/types.h>\nint f(void *ctx) { return 0; }\n".to_vec();
    small.cflags.push("-DONLY_THERE=1".to_owned());
    small.target.index_cache = Some(other.path().to_owned());
    compile(&small);
    let (wrong, _) = precompiled(other.path());
    let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let (key, sum) = (name(&file), name(&wrong));
    let (key, _) = key.rsplit_once('-').expect("key and checksum");
    let (_, sum) = sum.rsplit_once('-').expect("key and checksum");
    std::fs::remove_file(&file).expect("removed");
    let mut bytes = std::fs::read(&wrong).expect("read");
    let planted = cache.path().join(format!("{key}-{sum}.pch"));
    std::fs::write(&planted, &bytes).expect("written");
    std::fs::set_permissions(&planted, std::fs::Permissions::from_mode(0o600)).expect("closed");
    assert_eq!(compile(&request), plain);
    // Damaged bytes are not shown to clang at all.
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&planted, &bytes).expect("written");
    assert_eq!(compile(&request), plain);
    assert!(!planted.exists());
    precompiled(cache.path());
}

/// A Target of the tree's kernel that has its modules' directory, or its kernel's own archive of headers,
/// and nothing else to take types from.
fn without_btf(cache: &Path) -> Target {
    Target {
        kernel_source: None,
        vmlinux_btf: None,
        modules: None,
        kheaders: None,
        index_cache: Some(cache.to_owned()),
        release: "9.9.9-none".to_owned(),
        ..Target::live()
    }
}

fn programs(request: &CompileRequest) -> Vec<String> {
    let output = bcc_frontend::Compiler.compile(request);
    let output = output.unwrap_or_else(|error| panic!("{error}"));
    let mut names: Vec<String> = output.spec.programs.into_iter().map(|p| p.name).collect();
    names.sort_unstable();
    names
}

const PROGRAMS: [&str; 3] = ["filter", "kprobe__tcp_sendmsg", "on_request"];

#[test]
#[ignore = "needs trees of kernel headers: run by x test headers"]
fn without_btf_the_modules_directory_leads_to_the_headers() {
    let (place, cache) = (private(), private());
    let tree = trees().pop().expect("a tree");
    std::os::unix::fs::symlink(&tree, place.path().join("build")).expect("linked");
    let mut request = request(PathBuf::new());
    request.target = without_btf(cache.path());
    request.target.modules = Some(place.path().to_owned());
    assert_eq!(programs(&request), PROGRAMS);
}

#[test]
#[ignore = "needs trees of kernel headers: run by x test headers"]
fn without_btf_the_kernel_s_own_archive_of_headers_is_unpacked_and_used() {
    let (place, cache) = (private(), private());
    let tree = trees().pop().expect("a tree");
    let common = tree.with_file_name(
        tree.file_name().expect("a name").to_string_lossy().replace("-amd64", "-common"),
    );
    let archive = place.path().join("kheaders.tar.xz");
    // As a kernel's build packs it: sources and what was generated in one tree.
    let mut tar = std::process::Command::new("tar");
    tar.arg("-cf").arg(&archive).args(["-I", "xz -0", "--exclude=include/config"]);
    for directory in [&common, &tree] {
        tar.arg("-C").arg(directory).args(["include", "arch/x86/include"]);
    }
    assert!(tar.status().expect("tar is there").success());
    let mut request = request(PathBuf::new());
    request.target = without_btf(cache.path());
    request.target.kheaders = Some(archive);
    assert_eq!(programs(&request), PROGRAMS);
}

/// BTF has no inline functions: this one is in headers only.
const INLINE: &str = "#include <linux/sched.h>\n#include <linux/sched/signal.h>\n\
    int f(struct pt_regs *ctx, struct task_struct *task)\n\
    {\n\treturn thread_group_empty(task);\n}\n";

#[test]
#[ignore = "needs trees of kernel headers: run by x test headers"]
fn what_btf_lacks_is_tried_once_over_real_headers_and_the_first_errors_are_told() {
    let (place, cache) = (private(), private());
    let tree = trees().pop().expect("a tree");
    let mut request = request(PathBuf::new());
    request.text = INLINE.into();
    request.target = Target { modules: None, kheaders: None, ..Target::live() };
    request.target.kernel_source = None;
    request.target.index_cache = Some(cache.path().to_owned());
    let error = bcc_frontend::Compiler.compile(&request).expect_err("not in BTF").to_string();
    assert!(error.contains("thread_group_empty"), "{error}");

    std::os::unix::fs::symlink(&tree, place.path().join("build")).expect("linked");
    request.target.modules = Some(place.path().to_owned());
    let output = bcc_frontend::Compiler.compile(&request).expect("in the headers");
    assert_eq!(output.spec.programs[0].name, "f");
    let version = place.path().join("build/include/generated/uapi/linux/version.h");
    assert!(output.inputs.files.contains(&version), "{:?}", output.inputs.files);

    request.text = INLINE.replace("thread_group_empty", "no_such_function").into();
    let again = bcc_frontend::Compiler.compile(&request).expect_err("nowhere").to_string();
    let expected = error.replace("thread_group_empty", "no_such_function");
    assert_eq!(again.lines().next(), expected.lines().next());
}

/// Structs of the kernel's as leaves (`path`, behind a function that points to one), in others (`in6_addr`, in an array), in what a called function points to, and such as are only pointed to.
const BY_VALUE: &str = r#"
#include <linux/fs.h>
#include <linux/in6.h>
int first(struct pt_regs *ctx, struct path *path) { return path->mnt != 0; }
struct held { struct { struct in6_addr addresses[2]; }; struct file *file; };
BPF_HASH(seen, u32, struct path);
BPF_ARRAY(holds, struct held, 1);
struct inode *kept;
int noinline called(struct qstr *name) { return name ? name->len : 0; }
int second(struct pt_regs *ctx, struct inode *inode)
{
	struct qstr name = {};
	struct path path = {};
	u32 key = inode->i_mode;
	seen.update(&key, &path);
	if (kept == inode)
		return 0;
	kept = inode;
	return called(&name);
}
"#;

#[test]
#[ignore = "needs trees of kernel headers: run by x test headers"]
fn structs_of_precompiled_headers_are_whole_in_btf_where_they_are_used_by_value() {
    let cache = private();
    let mut request = request(trees().pop().expect("a tree"));
    request.target.index_cache = Some(cache.path().to_owned());
    request.text = BY_VALUE.into();
    let spec = bcc_frontend::Compiler.compile(&request).expect("compiled").spec;
    precompiled(cache.path());
    let index = Index::build(Arc::new(Btf::parse(spec.btf).expect("BTF")));
    let are = |names: &[&str]| -> Vec<bool> {
        names.iter().map(|name| index.composite(name).is_some()).collect()
    };
    assert_eq!(are(&["path", "held", "in6_addr", "qstr"]), [true; 4]);
    // All of them would be whole, had one been missed.
    assert_eq!(are(&["inode", "file", "dentry", "vfsmount", "pt_regs"]), [false; 5]);
    let size_of_leaf = |name: &str| {
        let map = spec.maps.iter().find(|map| map.name == name).expect("the map");
        let (leaf, _) = index.btf().resolve(TypeId(map.btf_value_id)).expect("the leaf's type");
        lookup::size_of(index.btf(), leaf)
    };
    assert_eq!([size_of_leaf("seen"), size_of_leaf("holds")], [Some(16), Some(40)]);
}

#[test]
#[ignore = "needs trees of kernel headers: run by x test headers"]
fn what_the_rule_for_types_misses_makes_all_of_them_whole() {
    let cache = private();
    let mut request = request(trees().pop().expect("a tree"));
    request.target.index_cache = Some(cache.path().to_owned());
    request.text = b"#include <linux/fs.h>\n\
        struct inode *kept;\n\
        int f(struct pt_regs *ctx, struct inode *inode)\n\
        { static struct path of[2]; of[kept == inode].mnt = (void *)ctx; kept = inode; return !!of[0].mnt; }\n"
        .to_vec();
    let spec = bcc_frontend::Compiler.compile(&request).expect("compiled").spec;
    let index = Index::build(Arc::new(Btf::parse(spec.btf).expect("BTF")));
    assert!(index.composite("path").is_some() && index.composite("inode").is_some());
}

#[test]
fn a_tree_that_is_none_is_told() {
    let error = bcc_frontend::Compiler.compile(&request("/nowhere".into())).expect_err("no tree");
    let text = error.to_string();
    assert!(text.contains("/nowhere") && text.contains("BCC_KERNEL_SOURCE"), "{text}");
}

#[test]
fn without_types_and_headers_the_error_says_what_was_tried_and_what_to_install() {
    let mut request = request(PathBuf::new());
    let target = &mut request.target;
    (target.kernel_source, target.modules, target.kheaders) = (None, None, None);
    target.release = "9.9.9-none".to_owned();
    let text = bcc_frontend::Compiler.compile(&request).expect_err("nothing there").to_string();
    for part in
        ["/sys/kernel/btf/vmlinux", "/lib/modules/9.9.9-none/build", "kheaders", "9.9.9-none"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn an_archive_of_headers_that_would_leave_its_directory_is_told() {
    let (place, cache) = (private(), private());
    std::fs::write(place.path().join("evil.h"), "").expect("written");
    let mut tar = std::process::Command::new("tar");
    tar.current_dir(place.path()).args(["-cJf", "k.tar.xz", "--transform", "s,^,../../,", "-P"]);
    assert!(tar.arg("evil.h").status().expect("tar is there").success());
    let archive = place.path().join("k.tar.xz");
    let mut request = request(PathBuf::new());
    let target = &mut request.target;
    (target.kernel_source, target.modules) = (None, None);
    (target.kheaders, target.index_cache) = (Some(archive.clone()), Some(cache.path().to_owned()));
    target.release = "9.9.9-none".to_owned();
    let text = bcc_frontend::Compiler.compile(&request).expect_err("refused").to_string();
    for part in ["/lib/modules/9.9.9-none/build", archive.to_str().expect("UTF-8"), "damaged"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(std::fs::read_dir(cache.path()).expect("listed").count(), 0);
    assert!(!place.path().join("../../evil.h").exists());
}
