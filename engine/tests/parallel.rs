//! What contexts deal out, and count.

use narrows_engine::Context;
use narrows_engine::parallel::Counts;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn every_task_runs_once_and_is_counted() {
    for threads in 1..=4 {
        let cx = Context::new(threads).expect("threads");
        assert_eq!(cx.counts(), Counts::default());
        for (calls, tasks) in [(1, 5), (2, 64), (3, 2)] {
            let before = cx.counts();
            let ran = AtomicU64::new(0);
            for _ in 0..calls {
                cx.clone().for_each(tasks, |i| {
                    ran.fetch_add(1 << i.min(1), Ordering::Relaxed);
                });
            }
            // The first task counts 1, each other 2.
            assert_eq!(ran.into_inner(), calls * (2 * tasks as u64 - 1));
            let after = cx.counts();
            let dealt = if threads > 1 { calls } else { 0 };
            assert_eq!(after.barriers - before.barriers, dealt);
            assert_eq!(after.tasks - before.tasks, dealt * tasks as u64);
        }
        let before = cx.counts();
        cx.for_each(1, |_| {});
        cx.for_each(0, |_| {});
        cx.single().for_each(7, |_| {});
        assert_eq!(
            cx.counts(),
            before,
            "one task waits for nobody, and a single thread has nobody to wait for"
        );
    }
}
