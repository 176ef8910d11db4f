# SPDX-License-Identifier: GPL-2.0-only
#
# What the perl parts of the lint share: reading C without its comments and strings, finding the
# functions in it, and reporting. Knows no rule.
#
# Invariants: line numbers are those of the file; every report is one line, file:line: [rule] what
# to do, on stdout; finish() exits with 1 if there was one.
package Lint;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(slurp table strip functions report finish);

my $reports = 0;

sub report {
	my ($file, $line, $rule, $advice) = @_;
	print "$file:$line: [$rule] $advice\n";
	$reports++;
}

sub finish {
	exit($reports ? 1 : 0);
}

sub slurp {
	my ($file) = @_;
	open(my $in, '<', $file) or die "lint: $file: $!\n";
	local $/;
	my $text = <$in>;
	close($in);
	return $text // '';
}

# The rows of a table beside this file: columns are two or more spaces apart, # opens a comment.
sub table {
	my ($name, $columns) = @_;
	my $file = __FILE__ =~ s/[^\/]*$/$name/r;
	my @rows;
	my $nr = 0;
	for my $line (split(/\n/, slurp($file))) {
		$nr++;
		next if $line =~ /^(#( |$)|$)/;
		my @row = split(/ {2,}/, $line);
		die "$name:$nr: not $columns columns\n" if @row != $columns;
		push @rows, \@row;
	}
	return @rows;
}

# The text with comments and the insides of strings blanked; names of included files stay.
sub strip {
	my ($text) = @_;
	my $out = '';
	while ($text =~ m{\G(?:(/\*.*?(?:\*/|\z)|//[^\n]*)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(.))}gs) {
		my ($comment, $string, $other) = ($1, $2, $3);
		if (defined $other) {
			$out .= $other;
		} elsif (defined $string && $out =~ /^[ \t]*#[ \t]*include[ \t]*\z/m) {
			$out .= $string;
		} else {
			my $blank = $comment // $string;
			$blank =~ s/[^\n]/ /g;
			$blank =~ s/\A ( *) \z/"$1"/ if defined $string;
			$out .= $blank;
		}
	}
	return $out;
}

# The functions of a file in kernel style (opening and closing brace in column 0): for each its
# first and last line, its name, and the signature on one line.
sub functions {
	my ($text) = @_;
	my @line = split(/\n/, strip($text), -1);
	my @found;
	for my $open (grep { $line[$_] eq '{' } 0 .. $#line) {
		my $first = $open;
		$first-- while $first > 0 && $line[$first - 1] =~ /\S/ && $line[$first - 1] !~ /^#|[;}]\s*$/;
		my $last = $open;
		$last++ while $last < $#line && $line[$last] !~ /^}/;
		my $signature = join(' ', map { s/^\s+|\s+$//gr } @line[$first .. $open - 1]);
		my ($name) = $signature =~ /(\w+)\s*\(/;
		($name) = $signature =~ /(\w+\([^)]*\))/ if ($name // '') =~ /^[A-Z_]+$/;
		push @found, {
			first => $first + 1,
			last => $last + 1,
			name => $name // '?',
			signature => $signature,
		};
	}
	return @found;
}

1;
