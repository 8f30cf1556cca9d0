//! What the parts can do at best, to measure the whole against: an empty server, and merely reading every mail.
//!
//! `limits hello ADDR` answers every request with two words. `limits read EPOCH` reads every blob of an epoch.

#![allow(
    clippy::expect_used,
    reason = "a benchmark that cannot go on has failed"
)]

use std::time::Instant;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("hello") => hello(&args[2]),
        Some("read") => read(&args[2]),
        _ => {
            eprintln!("usage: limits hello ADDR | limits read EPOCH");
            std::process::exit(2);
        }
    }
}

fn hello(address: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let app = axum::Router::new().fallback(|| async { "Hello, world\n" });
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .expect("the address is free");
        println!(
            "listening on http://{}/",
            listener.local_addr().expect("an address")
        );
        let service = hyper_util::service::TowerToHyperService::new(app);
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            stream.set_nodelay(true).ok();
            let io = hyper_util::rt::TokioIo::new(stream);
            let service = service.clone();
            tokio::spawn(async move {
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(io, service)
                    .await
                    .ok();
            });
        }
    });
}

fn read(epoch: &str) {
    git2::opts::strict_hash_verification(false);
    let began = Instant::now();
    let repository = git2::Repository::open_bare(epoch).expect("a repository");
    let mut walk = repository.revwalk().expect("a walk");
    walk.push_head().expect("a head");
    walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::REVERSE)
        .expect("an order");
    let (mut mails, mut bytes) = (0_u64, 0_u64);
    for commit in walk.flatten() {
        let tree = repository
            .find_commit(commit)
            .and_then(|commit| commit.tree());
        let Some(blob) = tree
            .ok()
            .and_then(|tree| Some(tree.get_name("m")?.id()))
            .and_then(|id| repository.find_blob(id).ok())
        else {
            continue;
        };
        mails += 1;
        bytes += blob.size() as u64;
    }
    println!("{mails} {bytes} {:.4}", began.elapsed().as_secs_f64());
}
