// absent: ieee80211_hw ieee80211_vif
#include <linux/types.h>
#include <net/mac80211.h>
int f(struct pt_regs *ctx, struct ieee80211_hw *hw, struct ieee80211_vif *vif) { return hw->queues + vif->type; }
