//! The log miner: every line is told, counted or blank, whatever the log holds.
#![no_main]

use eks_mcp_fuzz::domain::log::{Miner, mine};
use eks_mcp_fuzz::domain::text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let log = String::from_utf8_lossy(bytes);
    let mined = mine(log.lines().map(|it| (None, it)));
    // A miner that holds next to nothing gives templates up all the time.
    let mut narrow = Miner::with_capacity(1 + bytes.len() % 4);
    log.lines().for_each(|it| narrow.push(None, it));
    for mined in [mined, narrow.finish()] {
        let told: u64 = mined.templates.iter().map(|it| it.lines).sum();
        assert_eq!(told + mined.other.lines + mined.blank, mined.lines);
        assert_eq!(mined.lines, log.lines().count() as u64);
        for template in &mined.templates {
            assert!(template.count >= 1 && template.lines >= template.count);
            assert!((1..=mined.lines).contains(&template.from_end));
            assert!(template.first <= template.last);
            assert!(text::is_clean(&template.first_example) && text::is_clean(&template.last_example));
        }
    }
});
