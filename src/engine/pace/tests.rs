//! The throttle on a paused clock.

use super::*;
use tokio::time::{Instant, advance, sleep};

/// Admits `n` batches of 20 as fast as allowed, and returns how many seconds that took.
async fn admit_all(throttle: &mut Throttle, batches: usize) -> f64 {
    let began = Instant::now();
    for _ in 0..batches {
        while let Err(wait) = throttle.admit(20) {
            sleep(wait).await;
        }
        throttle.record_success(20, Duration::from_millis(60));
    }
    began.elapsed().as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn quota_is_burst_then_rate() {
    let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
    let seconds = admit_all(&mut throttle, 180).await;
    assert!((30.0..30.2).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn requested_waits_allow_no_burst() {
    let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
    throttle.admit(20).expect("a full bucket");
    let hold = throttle.refused(0, 1.0, Some(Duration::from_secs(12)));
    assert!(hold >= Duration::from_secs(12) && hold < Duration::from_secs(13));
    assert!(throttle.admit(1).is_err(), "nothing before the time");
    advance(hold).await;
    assert!(throttle.admit(20).is_err(), "twenty writes take a second to flow in");
    let seconds = admit_all(&mut throttle, 10).await;
    assert!((9.9..10.2).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn refusals_raise_the_price() {
    let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
    let first = throttle.epoch();
    throttle.refused(first, 1.0, Some(Duration::from_secs(1)));
    assert_eq!(throttle.price, PARTS, "an empty bucket is no smaller one");
    throttle.refused(first, 1.0, Some(Duration::from_secs(1)));
    assert_eq!(throttle.price, PARTS, "what was sent before tells nothing new");
    throttle.record_success(1, Duration::ZERO);
    throttle.refused(throttle.epoch(), 0.05, Some(Duration::from_secs(1)));
    assert_eq!(throttle.price, PARTS, "one of twenty says little");
    throttle.refused(throttle.epoch(), 1.0, Some(Duration::from_secs(1)));
    assert_eq!(throttle.price, PARTS * 3 / 2);
    throttle.record_success(99, Duration::ZERO);
    assert_eq!(throttle.price, PARTS * 3 / 2);
    throttle.record_success(1, Duration::ZERO);
    assert_eq!(throttle.price, 21, "an eighth of 24 less");
    throttle.record_success(2_000, Duration::ZERO);
    assert_eq!(throttle.price, PARTS);
    for _ in 0..20 {
        throttle.refused(throttle.epoch(), 1.0, None);
    }
    assert_eq!(throttle.price, 256, "never more than sixteen times the documented price");
}

#[tokio::test(start_paused = true)]
async fn price_that_was_too_low_is_tried_late() {
    let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
    for _ in 0..3 {
        throttle.refused(throttle.epoch(), 1.0, None);
    }
    assert_eq!((throttle.price, throttle.too_low), (36, 24));
    let mut after = |good| {
        throttle.record_success(good, Duration::ZERO);
        throttle.price
    };
    assert_eq!([after(100), after(100), after(100)], [32, 28, 25]);
    assert_eq!([after(499), after(1)], [25, 22], "24 was too low");
    assert_eq!(after(100), 20, "it is no longer");
}

#[tokio::test(start_paused = true)]
async fn spending_counts_from_first_answer() {
    let mut throttle = Throttle::new("100/100s".parse().expect("a quota"), 1);
    (0..3).for_each(|_| throttle.admit(20).expect("a full bucket"));
    advance(Duration::from_secs(50)).await;
    throttle.record_success(20, Duration::from_secs(50));
    assert!(throttle.admit(41).is_err(), "the tenant's bucket may have begun to fill only now");
    throttle.admit(40).expect("what was left of the full bucket");
}

#[tokio::test(start_paused = true)]
async fn single_429s_hold_nothing() {
    let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
    throttle.record_success(1_000, Duration::from_millis(100));
    let (single, ten) = (Refusals { refused: 1, answered: 19, ..Refusals::default() }, Some(Duration::from_secs(10)));
    assert_eq!(throttle.answered(0, single, ten), None);
    assert_eq!((throttle.epoch(), throttle.in_flight_max(20)), (0, 250));
    throttle.admit(20).expect("nothing is held");
    assert_eq!(throttle.alone(ten).as_secs(), 10);
    assert_eq!(throttle.alone(Some(Duration::ZERO)).as_secs(), 1);
    assert_eq!(throttle.alone(None).as_secs(), 10);
    let hold = throttle.answered(0, Refusals { named: 1, ..single }, ten).expect("the quota is spent");
    assert!(hold >= Duration::from_secs(10) && throttle.admit(1).is_err());
    assert_eq!((throttle.epoch(), throttle.in_flight_max(20)), (1, 40));
}

#[test]
fn limits_flight_near_the_quota() {
    let mut throttle = Throttle::new("300/10s".parse().expect("a quota"), 1);
    throttle.record_success(600, Duration::from_millis(800));
    assert_eq!(throttle.in_flight_max(20), 300, "half as many as went well, at half the latency");
    throttle.in_use(Some(0.79));
    assert_eq!(throttle.in_flight_max(20), 300);
    throttle.in_use(Some(0.8));
    assert_eq!(throttle.in_flight_max(20), 48, "thirty a second, for 0.8 s, twice");
}

#[test]
fn batches_fit_the_full_bucket() {
    assert_eq!(Throttle::new("7/10s".parse().expect("a quota"), 1).batch_max(), 7);
}

#[tokio::test(start_paused = true)]
async fn unnamed_waits_grow_longer() {
    let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
    let waits: Vec<u64> = (0..6).map(|_| throttle.refused(throttle.epoch(), 1.0, None).as_secs()).collect();
    assert_eq!(waits, [10, 20, 40, 80, 150, 150]);
}

#[tokio::test(start_paused = true)]
async fn short_waits_double_until_success() {
    let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
    let mut wait = |epoch_ago: u32, asked| {
        throttle.refused(throttle.epoch() - epoch_ago, 1.0, Some(Duration::from_millis(asked))).as_secs()
    };
    assert_eq!([(); 6].map(|()| wait(0, 300)), [1, 2, 4, 8, 16, 32]);
    assert_eq!(wait(1, 300), 1, "what was sent before the last one");
    assert_eq!(wait(0, 100_000), 100, "what Graph asks for, where it is more");
    throttle.record_success(1, Duration::ZERO);
    assert_eq!(throttle.refused(throttle.epoch(), 1.0, Some(Duration::ZERO)).as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn back_off_doubles_to_thirty_seconds() {
    let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
    for (nth, full) in [(1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0), (5, 30.0), (40, 30.0)] {
        let waits = [(); 200].map(|()| throttle.back_off(nth).as_secs_f64());
        let (least, most) = waits.iter().fold((full, 0.0_f64), |(l, m), wait| (wait.min(l), wait.max(m)));
        assert!(least >= full / 2.0 && least < full * 0.6 && most <= full && most > full * 0.9, "{least}-{most}");
    }
}

#[tokio::test(start_paused = true)]
async fn large_batches_are_paid_in_slices() {
    let mut throttle = Throttle::new("10/10s".parse().expect("a quota"), 1);
    let mut waited = Duration::ZERO;
    while let Err(wait) = throttle.admit(20) {
        waited += wait;
        sleep(wait).await;
    }
    assert!((9.9..10.1).contains(&waited.as_secs_f64()), "{waited:?}");
}

#[test]
fn latency_is_smoothed_by_a_fifth() {
    let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
    let seconds = [(100, 0.1), (1_100, 0.3), (300, 0.3), (0, 0.24)];
    for (millis, latency) in seconds {
        throttle.record_success(1, Duration::from_millis(millis));
        assert!((throttle.latency - latency).abs() < 1e-9, "{millis} ms: {}", throttle.latency);
    }
}

#[tokio::test(start_paused = true)]
async fn flight_grows_with_success() {
    let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
    assert_eq!(throttle.in_flight_max(20), 20);
    throttle.record_success(400, Duration::from_millis(100));
    assert_eq!(throttle.in_flight_max(20), 100);
    throttle.record_trouble();
    assert_eq!(throttle.in_flight_max(20), 50);
    throttle.in_use(Some(0.9));
    assert_eq!(throttle.in_flight_max(20), 40);
    throttle.refused(0, 1.0, None);
    assert_eq!(throttle.in_flight_max(20), 40, "one that hangs does not stop the other");
    let mut slow = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
    slow.record_success(300, Duration::from_secs(2));
    assert_eq!(slow.in_flight_max(20), 300, "the slower the answers, the steeper the start");
}

#[tokio::test(start_paused = true)]
async fn large_quota_is_soon_in_full_use() {
    let mut throttle = Throttle::new("1000000/1s".parse().expect("a quota"), 1);
    assert_eq!(throttle.in_flight_max(20), 20);
    throttle.record_success(20, Duration::from_millis(80));
    assert_eq!(throttle.in_flight_max(20), 160);
    throttle.in_use(Some(0.8));
    assert_eq!(throttle.in_flight_max(20), 40, "Graph warns");
    throttle.in_use(None);
    throttle.record_success(160, Duration::from_millis(80));
    assert_eq!(throttle.in_flight_max(20), 1_440);
    throttle.refused(0, 1.0, None);
    throttle.record_success(160, Duration::from_millis(80));
    assert_eq!(throttle.in_flight_max(20), 40, "the quota is not what was said");
    let mut larger = Throttle::new("6000/150s".parse().expect("a quota"), 1);
    larger.record_success(100, Duration::from_millis(80));
    assert_eq!(larger.in_flight_max(20), 80, "what is refilled in two seconds");
}

#[test]
fn slow_start_ends_at_sixteen_batches() {
    let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
    throttle.record_success(2_000, Duration::from_secs(1));
    assert_eq!(throttle.in_flight_max(20), 320);
    assert_eq!(throttle.in_flight_max(1), 40, "two seconds of the quota");
    throttle.set_batches_in_flight(64);
    assert_eq!(throttle.in_flight_max(20), 1_250);
    let mut reads = Throttle::for_reads(Quota::DOCUMENTED_RESOURCE_UNITS, 1);
    reads.record_success(2_000, Duration::from_secs(1));
    assert_eq!(reads.in_flight_max(20), 16_000, "reads harm nobody");
}
