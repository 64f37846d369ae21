/* sweep_life: one life of the daemon's crew in a world of the fault sweep, as main leads it. */
#ifndef TEST_ORDERD_SWEEP_LIFE_H
#define TEST_ORDERD_SWEEP_LIFE_H

#include "aws/profile.h"
#include "base/error.h"
#include "order/config.h"
#include "orderd/stats.h"
#include "orderd/sweep_world.h"

#include <stdbool.h>

struct life;

/* Builds and starts a crew; returned owned, NULL with an error. CONFIG and the world are borrowed
 * until its end. */
struct life *life_begin(struct world *w, const struct config *config, struct error *err)
    __attribute__((warn_unused_result));

/* Ends the crew step by step, or at once where that is asked for; joins its threads. */
void life_end(struct life *l, enum ending ending);

/* Borrows what the crew has counted. */
const struct stats *life_stats(const struct life *l);

/* Frees it after its end. */
void life_free(struct life *l);

#endif
