//! What is too large is refused before anything is made of it.

use crate::support;
use narrows_models::Architecture;
use support::architecture;

#[test]
fn a_network_too_large_for_memory_is_refused_by_its_widths() {
    let wide = |width| Architecture { widths: vec![width, width], ..architecture() };
    assert!(wide(16_000).classifier(10).is_ok());
    for result in [wide(16_384).classifier(10), wide(65_536).autoencoder()] {
        let message = result.unwrap_err().to_string();
        assert!(
            message.contains("the widths [") && message.contains("choose smaller widths"),
            "{message}"
        );
        assert!(message.contains("more than 268435456"), "{message}");
    }
}
