//! Prints the names of its functions as Rust knows them, and where they are.

use std::any::type_name_of_val;
use std::hint::black_box;
use std::io::{Read, Write};

mod outer {
    pub mod inner {
        #[inline(never)]
        pub fn deep(value: u32) -> u32 {
            std::hint::black_box(value) + 1
        }
    }

    pub struct Holder;

    impl Holder {
        #[inline(never)]
        pub fn method(value: u32) -> u32 {
            std::hint::black_box(value) + 2
        }
    }
}

#[inline(never)]
fn plain(value: u32) -> u32 {
    black_box(value) + 3
}

fn tell<F: Fn(u32) -> u32>(f: F, pointer: fn(u32) -> u32) -> u32 {
    println!("{} {:#x}", type_name_of_val(&f), pointer as usize);
    f(1)
}

fn main() {
    let sum = tell(outer::inner::deep, outer::inner::deep)
        + tell(outer::Holder::method, outer::Holder::method)
        + tell(plain, plain);
    std::io::stdout().flush().unwrap();
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).unwrap();
    black_box(sum);
}
