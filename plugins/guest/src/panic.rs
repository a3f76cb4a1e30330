use crate::logging;
use std::sync::Once;

/// Makes a panic of the plugin log its message before the trap, so that the host can tell what happened.
/// The export macros call it; calling it again does nothing.
pub fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            logging::log(logging::Level::Error, &info.to_string(), &[]);
        }));
    });
}
