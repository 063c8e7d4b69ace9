//! What the compiler says of a kernel is true of it: constants, version, configuration, types of modules.
//! And every header that users include has a program in the corpus.

mod targets;

use bcc_core::compile::{CompileError, CompileRequest, Compiler as _};
use bcc_core::spec::Severity;
use bcc_core::target::{ModuleTypes, Target};
use bcc_sys::btf::{Btf, Composite, Type};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn request(target: &Target, text: &str) -> CompileRequest {
    CompileRequest {
        text: text.as_bytes().to_vec(),
        file: "/virtual/main.c".to_owned(),
        cflags: vec!["-ferror-limit=0".to_owned()],
        // Real headers would make everything true.
        target: Target { kheaders: None, ..target.clone() },
        ..CompileRequest::default()
    }
}

/// Errors of a compile, one line each.
fn errors(request: &CompileRequest) -> Vec<String> {
    match bcc_frontend::Compiler.compile(request) {
        Ok(_) => Vec::new(),
        Err(CompileError::Diagnostics { diagnostics }) => {
            let errors = diagnostics.into_iter().filter(|d| d.severity == Severity::Error);
            errors.map(|d| d.message).collect()
        }
        Err(other) => vec![other.to_string()],
    }
}

#[test]
#[ignore = "needs kernel packages: run by x test headers"]
fn constants_are_what_the_kernel_s_own_headers_say() {
    let directory = std::env::var("BCC_TEST_FACTS").expect("BCC_TEST_FACTS names a directory");
    let scratch = tempfile::tempdir().expect("a directory");
    let (mut checked, mut wrong) = (0, Vec::new());
    for (release, target) in targets::targets(scratch.path()) {
        let facts = Path::new(&directory).join(format!("{release}.c"));
        let Ok(text) = std::fs::read_to_string(facts) else { continue };
        let mut target = target;
        // Of what is not known here no real header may tell.
        target.modules = None;
        let told = errors(&request(&target, &text));
        let absent: Vec<&str> =
            told.iter().filter_map(|e| e.strip_prefix("use of undeclared identifier ")).collect();
        let count = text.matches("_Static_assert").count();
        let bad: Vec<&String> =
            told.iter().filter(|e| !e.contains("undeclared identifier")).collect();
        let (bad_count, unknown) = (bad.len(), absent.join(" "));
        println!("{release}: {count} constants, {bad_count} are wrong, not known: {unknown}");
        checked += 1;
        wrong.extend(bad.iter().map(|error| format!("{release}: {error}")));
        assert!(absent.len() * 100 < count, "{release}: too many are not known: {told:?}");
    }
    assert!(checked > 0, "no kernel's facts are in {directory}");
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// Every `CONFIG_` line that is asked for, as a check in C.
fn config_checks(config: &str) -> (String, usize) {
    let (mut text, mut count) = (String::new(), 0);
    for line in config.lines().step_by(7) {
        if let Some(name) = line.strip_prefix("# ").and_then(|l| l.strip_suffix(" is not set")) {
            let _infallible = writeln!(text, "#ifdef {name}\n#error {name} is not set\n#endif");
            count += 1;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        let check = match value {
            "y" => format!("_Static_assert({name} == 1, \"{name}\");"),
            "m" => format!("_Static_assert({name}_MODULE == 1, \"{name}\");"),
            value if value.starts_with('"') => {
                format!("_Static_assert(sizeof({name}) == sizeof({value}), \"{name}\");")
            }
            value => format!("_Static_assert({name} == {value}, \"{name}\");"),
        };
        let _infallible = writeln!(text, "{check}");
        count += 1;
    }
    (text, count)
}

#[test]
fn version_and_configuration_are_the_target_s_own() {
    let scratch = tempfile::tempdir().expect("a directory");
    for (release, target) in targets::targets(scratch.path()) {
        let mut numbers = release.split(['.', '-', '+']).map(|n| n.parse::<u32>().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        let (major, minor) = (next(), next());
        let mut text = format!(
            "#include <linux/version.h>\n#include <linux/kconfig.h>\n\
             _Static_assert(LINUX_VERSION_CODE >> 8 == ({major} << 8 | {minor}), \"version\");\n\
             _Static_assert(LINUX_VERSION_MAJOR == {major}, \"major\");\n\
             _Static_assert(LINUX_VERSION_CODE >= KERNEL_VERSION({major}, {minor}, 0), \"ge\");\n\
             _Static_assert(LINUX_VERSION_CODE < KERNEL_VERSION({major}, {minor} + 1, 0), \"lt\");\n\
             int f(void *ctx) {{ return 0; }}\n"
        );
        let config = target.config.as_deref().and_then(|path| std::fs::read(path).ok());
        // A packed configuration is read by the compiler itself; here a plain one is enough.
        let config = config.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let (checks, count) = config_checks(&config);
        text.push_str(&checks);
        assert_eq!(errors(&request(&target, &text)), [""; 0], "{release}");
        println!("{release}: {count} lines of the configuration are told as they are");
    }
}

#[test]
fn is_enabled_and_its_kin_say_what_the_configuration_says() {
    let scratch = tempfile::tempdir().expect("a directory");
    let config = scratch.path().join("config");
    std::fs::write(&config, "CONFIG_IN_IT=y\nCONFIG_BESIDE=m\nCONFIG_NUMBER=2\n").expect("written");
    let text = "#include <linux/kconfig.h>\n\
        #if !IS_ENABLED(CONFIG_IN_IT) || !IS_BUILTIN(CONFIG_IN_IT) || IS_MODULE(CONFIG_IN_IT)\n\
        #error built in\n#endif\n\
        #if !IS_ENABLED(CONFIG_BESIDE) || IS_BUILTIN(CONFIG_BESIDE) || !IS_MODULE(CONFIG_BESIDE)\n\
        #error a module\n#endif\n\
        #if IS_ENABLED(CONFIG_ABSENT) || IS_BUILTIN(CONFIG_ABSENT) || IS_MODULE(CONFIG_ABSENT)\n\
        #error absent\n#endif\n\
        int f(void *ctx) { return IS_ENABLED(CONFIG_IN_IT) + CONFIG_NUMBER; }\n";
    for (release, target) in targets::targets(scratch.path()) {
        let target = Target { config: Some(config.clone()), ..target };
        assert_eq!(errors(&request(&target, text)), [""; 0], "{release}");
    }
}

#[test]
fn a_module_that_counts_cpus_says_so_and_no_map_is_as_large_as_they_are_many() {
    let scratch = tempfile::tempdir().expect("a directory");
    for (release, target) in targets::targets(scratch.path()) {
        let target = Target { online_cpus: 64, possible_cpus: 64, ..target };
        let compiled = |text: &str| {
            bcc_frontend::Compiler.compile(&request(&target, text)).expect("the text compiles")
        };
        let output = compiled(
            "BPF_PERCPU_ARRAY(counts, u32, 1);\nBPF_PERF_OUTPUT(events);\n\
             _Static_assert(BCC_NUM_CPUS == 64, \"cpus\");\nint f(void *ctx) { return 0; }\n",
        );
        let called = compiled("int f(void *ctx) { return bpf_num_cpus(); }\n");
        for inputs in [&output.inputs, &called.inputs] {
            assert!(inputs.cpus, "{release}: would be taken from the cache for any number");
        }
        let map = |name| output.spec.map(name).expect("a map");
        assert_eq!(map("counts").value_size, 4, "{release}: the kernel pads and multiplies");
        assert_eq!(map("events").max_entries, 0, "{release}: the loader's CPUs count");
        let without = compiled("BPF_PERF_OUTPUT(events);\nint f(void *ctx) { return 0; }\n");
        assert!(!without.inputs.cpus, "{release}: would be compiled anew when a CPU comes");
    }
}

/// Types of modules, members of theirs, and the modules that have them: named alike, not alike at all,
/// and one that only the search through all files finds.
const OF_MODULES: &[(&str, &str, &str)] = &[
    ("btrfs_inode", "vfs_inode", "btrfs"),
    ("ovl_inode", "vfs_inode", "overlay"),
    ("ieee80211_hw", "queues", "mac80211"),
];

#[test]
#[ignore = "needs kernel packages: run by x test headers"]
fn types_of_modules_that_are_not_loaded_come_out_of_their_files() {
    let scratch = tempfile::tempdir().expect("a directory");
    let (mut found, mut without) = (0, 0);
    for (release, mut target) in targets::targets(scratch.path()) {
        target.index_cache = Some(scratch.path().to_owned());
        let kernel = target.btf().expect("BTF");
        for (tag, member, module) in OF_MODULES {
            let Some(file) = target.module_file(module) else { continue };
            if target.loaded_module(module).is_some() {
                continue;
            }
            let text = format!(
                "int f(struct pt_regs *ctx, struct {tag} *p)\n\
                 {{\n\treturn sizeof(*p) + __builtin_offsetof(struct {tag}, {member});\n}}\n"
            );
            match bcc_frontend::Compiler.compile(&request(&target, &text)) {
                Ok(output) => {
                    let [of] = output.inputs.modules.as_slice() else { panic!("{release}: {tag}") };
                    let types = target.module_btf(of, kernel.btf()).expect("types");
                    assert!(types.has_member(tag, member), "{release}: {of} has no {tag}");
                    println!("{release}: struct {tag} out of {of} on disk");
                    found += 1;
                }
                Err(error) => {
                    // Modules have had BTF since v5.11.
                    let none = target.module_btf(module, kernel.btf());
                    let none = none.expect_err("its types are there");
                    println!("{release}: {none} in {}", file.display());
                    assert!(error.to_string().contains(tag), "{release}: {error}");
                    without += 1;
                }
            }
        }
    }
    println!("{found} types found on disk, {without} have no BTF");
    assert!(found > 0, "no kernel here has modules on disk");
}

/// Whether the index leads to a module that has the type; another name may have the same hash.
fn is_told(target: &Target, base: &Arc<Btf>, index: &ModuleTypes, name: &str) -> bool {
    let mut asked = Vec::new();
    while let Some(module) = index.best(&[name], &asked) {
        let types = target.module_btf(module, base).expect("types");
        if types.composite(name).is_some() {
            return true;
        }
        asked.push(module.to_owned());
    }
    false
}

#[test]
#[ignore = "needs kernel packages: run by x test headers"]
fn what_the_index_says_of_modules_is_in_their_files() {
    let scratch = tempfile::tempdir().expect("a directory");
    let mut checked = 0;
    for (release, mut target) in targets::targets(scratch.path()) {
        target.index_cache = Some(scratch.path().to_owned());
        let base = target.btf().expect("BTF").btf().clone();
        let index = target.module_types(&base);
        if index.modules() == 0 {
            continue;
        }
        // Every two-hundredth module, each type of it.
        for module in target.modules_on_disk().iter().step_by(200) {
            let Ok(types) = target.module_btf(module, &base) else { continue };
            let btf = types.btf();
            for id in btf.own_ids() {
                let Ok(Type::Composite(Composite { name, .. })) = btf.get(id) else { continue };
                if name.is_empty() {
                    continue;
                }
                assert!(
                    is_told(&target, &base, &index, name),
                    "{release}: {name} of {module} is not told"
                );
                checked += 1;
            }
        }
        let begun = std::time::Instant::now();
        assert_eq!(target.module_types(&base).modules(), index.modules());
        println!("{release}: {} modules, read again in {:?}", index.modules(), begun.elapsed());
    }
    println!("{checked} types are where the index says");
    assert!(checked > 100, "no kernel here has modules on disk");
}

/// Headers that must be there, by directory.
const HEADERS: &[(&str, &str)] = &[
    (
        "linux",
        "sched fs dcache mount blkdev blk-mq bio genhd mm mm_types skbuff netdevice if_ether \
         if_packet if_vlan ip ipv6 tcp udp icmp in in6 socket un bpf pkt_cls ptrace perf_event \
         kvm_host nsproxy pid_namespace ns_common cgroup-defs workqueue interrupt irq time64 ktime \
         math64 log2 err errno limits version types compiler uaccess kconfig oom shm ipc tty uio \
         device list hashtable rcupdate atomic spinlock mutex security cred key nfs_fs",
    ),
    ("net", "sock inet_sock tcp tcp_states ipv6 route dst"),
    ("rdma", "rdma_cm ib_verbs"),
];

/// Inline functions that must be there.
const FUNCTIONS: &str = "inet_sk tcp_sk sock_net ip_hdr tcp_hdr udp_hdr ipv6_hdr icmp_hdr eth_hdr \
    skb_network_header skb_transport_header skb_mac_header skb_tail_pointer skb_end_pointer \
    blk_rq_bytes blk_rq_pos blk_rq_sectors req_op bio_op bio_data_dir file_inode d_inode \
    d_backing_inode task_pid task_tgid task_pid_nr atomic_read list_entry hlist_entry IS_ERR \
    IS_ERR_OR_NULL PTR_ERR ERR_PTR container_of READ_ONCE WRITE_ONCE sk_fullsock inet_csk";

fn corpus() -> Vec<(PathBuf, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/headers");
    let files = std::fs::read_dir(directory).expect("the corpus").flatten();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("readable");
        (path, text)
    };
    files.map(|entry| read(entry.path())).collect()
}

#[test]
fn every_header_and_inline_function_that_users_need_has_a_program() {
    let corpus = corpus();
    assert!(corpus.len() >= 150, "{} programs", corpus.len());
    let mut without = Vec::new();
    for (directory, names) in HEADERS {
        for name in names.split_whitespace() {
            let forms = ["", "uapi/"].map(|at| format!("#include <{at}{directory}/{name}.h>"));
            if !corpus.iter().any(|(_, text)| forms.iter().any(|form| text.contains(form))) {
                without.push(format!("<{directory}/{name}.h>"));
            }
        }
    }
    let word = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    for function in FUNCTIONS.split_whitespace() {
        if !corpus.iter().any(|(_, text)| text.split(word).any(|used| used == function)) {
            without.push(format!("{function}()"));
        }
    }
    assert!(without.is_empty(), "in no program: {}", without.join(" "));
}
