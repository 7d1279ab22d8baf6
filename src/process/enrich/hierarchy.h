// SPDX-License-Identifier: Apache-2.0
// The dated campaign hierarchy: creative -> ad group -> campaign -> advertiser, as of the event's
// time.
#pragma once

#include "event/batch.h"
#include "state/dimensions.h"

namespace adweave::process {

// Fills ad_group_id, campaign_id, line_item_id and advertiser_id where the feed gives none; what
// the feed gives stays. A creative, ad group or campaign that its dimension file does not know is
// flagged kUnknownDimension. advertiser_id is `default` where nothing names one; a conversion's
// reported campaign may name it. person_id becomes user_id.
void add_hierarchy(event::Batch& batch, const state::Dimensions& dimensions);

}  // namespace adweave::process
