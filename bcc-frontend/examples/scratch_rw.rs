//! scratch
use bcc_core::compile::{CompileRequest, Compiler};
use bcc_core::target::Target;
fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read(&path).unwrap();
        let request = CompileRequest {
            text,
            file: "/virtual/main.c".into(),
            cwd: std::env::current_dir().unwrap(),
            target: Target::running().unwrap(),
            ..Default::default()
        };
        match bcc_frontend::Compiler.compile(&request) {
            Ok(out) => {
                println!("{path}: ok");
                for w in &out.spec.warnings {
                    println!("{w}");
                }
                if std::env::var_os("V").is_some() {
                    println!("{}", out.spec.rewritten);
                    for m in &out.spec.maps {
                        println!("map {} {} {} {}", m.name, m.kind, m.max_entries, m.flags);
                    }
                    for m in &out.spec.programs {
                        println!("prog {} {} insns", m.name, m.insns.len() / 8);
                    }
                }
            }
            Err(e) => println!("{path}: FAILED\n{e}"),
        }
    }
}
