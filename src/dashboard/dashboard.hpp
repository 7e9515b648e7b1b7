/*
 * Dashboards: rollups of the history, kept by a trigger of query_history, and what is read from them. PG regime.
 * All of it is called from 85-dashboard.sql; no later feature uses it.
 */
#pragma once
