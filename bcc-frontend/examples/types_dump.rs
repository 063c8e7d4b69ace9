//! Writes what the first stage makes of one file into a directory.
use bcc_core::{compile::CompileRequest, target::Target};
fn main() {
    let mut a = std::env::args().skip(1);
    let (target, file, out) = (a.next().unwrap(), a.next().unwrap(), a.next().unwrap());
    let mut target =
        if target == "host" { Target::live() } else { Target::from_dir(target.as_ref()).unwrap() };
    target.index_cache = std::env::var_os("IDX").map(Into::into);
    let request = CompileRequest {
        text: std::fs::read(&file).unwrap(),
        file: "/virtual/main.c".into(),
        cflags: a.collect(),
        cwd: "/tmp".into(),
        target,
        ..Default::default()
    };
    for _ in 0..3 {
        let t = std::time::Instant::now();
        let h = bcc_frontend::headers::build(&request, &[]).unwrap();
        eprintln!("{:?}", t.elapsed());
        for f in &h.input.files {
            let p = format!("{out}{}", f.path);
            std::fs::create_dir_all(std::path::Path::new(&p).parent().unwrap()).unwrap();
            std::fs::write(p, &f.text).unwrap();
        }
        let args: Vec<String> =
            h.input.args.iter().map(|a| a.replace("/virtual", &format!("{out}/virtual"))).collect();
        std::fs::write(format!("{out}/args"), args.join("\n")).unwrap();
    }
}
